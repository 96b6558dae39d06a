"""One thing alone, for scale:  alone.py WHAT FILE…

`count-lines` counts newlines, `sha256` hashes, both on one thread; `gzip-LIBRARY` and
`zstd-LIBRARY` decompress to nowhere, files side by side on all cores. Prints what it took, as every
job does.
"""

import hashlib
import sys
import zlib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from os import cpu_count

from question import report

# Small enough that what a chunk of packed text unpacks to stays near the processor.
CHUNK = 1 << 18
PACKED_CHUNK = 1 << 16


def read(file: str, take: Callable[[memoryview], object], chunk: int = CHUNK) -> None:
    """Hands a file over in chunks, in one buffer."""
    buffer = bytearray(chunk)
    view = memoryview(buffer)
    with open(file, "rb", buffering=0) as source:
        while length := source.readinto(buffer):
            take(view[:length])


def count_lines(file: str) -> None:
    count = 0

    def take(chunk: memoryview) -> None:
        nonlocal count
        count += bytes(chunk).count(b"\n")

    read(file, take)


def sha256(file: str) -> None:
    digest = hashlib.sha256()
    read(file, digest.update)
    digest.hexdigest()


def gzip_zlib(file: str) -> None:
    read(file, zlib.decompressobj(31).decompress, PACKED_CHUNK)


def gzip_isal(file: str) -> None:
    from isal import isal_zlib

    read(file, isal_zlib.decompressobj(31).decompress, PACKED_CHUNK)


def gzip_libdeflate(file: str) -> None:
    """Whole files at once: libdeflate knows no streams."""
    import deflate

    with open(file, "rb") as source:
        deflate.gzip_decompress(source.read())


def zstd_libzstd(file: str) -> None:
    import zstandard

    unpack = zstandard.ZstdDecompressor().decompressobj()
    read(file, unpack.decompress, PACKED_CHUNK)


ON_ONE_THREAD = {"count-lines": count_lines, "sha256": sha256}
ON_ALL_CORES = {
    "gzip-zlib": gzip_zlib,
    "gzip-isal": gzip_isal,
    "gzip-libdeflate": gzip_libdeflate,
    "zstd-libzstd": zstd_libzstd,
}


def main() -> None:
    what, files = sys.argv[1], sys.argv[2:]
    work = ON_ONE_THREAD.get(what) or ON_ALL_CORES[what]
    workers = 1 if what in ON_ONE_THREAD else cpu_count() or 1

    def job() -> None:
        with ThreadPoolExecutor(workers) as pool:
            list(pool.map(work, files))

    report(job)


main()
