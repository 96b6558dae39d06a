"""Compresses a file as people do, with default levels:  pack.py FILE (FILE.gz | FILE.zst)"""

import gzip
import shutil
import sys

import zstandard

source, target = sys.argv[1:3]
with open(source, "rb") as read:
    if target.endswith(".gz"):
        with gzip.open(target, "wb", compresslevel=6) as write:
            shutil.copyfileobj(read, write, 1 << 20)
    else:
        with open(target, "wb") as write:
            zstandard.ZstdCompressor(level=3, threads=-1).copy_stream(read, write)
