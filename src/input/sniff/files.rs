//! Files that are no text at all, by the bytes that they begin with.

use memchr::memmem;

use super::NoLog;

/// What a kind of file is called, and what to do with it.
type Kind = (&'static str, &'static str);

const UNPACK: &str = "unpack it, and give the files in it";
const NOT_A_PRINT: &str = "give the export itself, not a print or a picture of it";
const NOT_A_PROGRAM: &str = "give the exported sign-in logs";
const NOT_A_CAPTURE: &str = "it holds no Entra sign-ins; give the exported sign-in logs";
const AS_TABLE: &str = "export the table with the sign-ins as CSV or JSON";

/// Where the bytes lie, the bytes, and what begins so. (Zip archives, gzip and zstd are read.)
const KINDS: [(usize, &[u8], Kind); 43] = [
    (0, b"7z\xBC\xAF\x27\x1C", ("a 7z archive", UNPACK)),
    (0, b"Rar!\x1A\x07", ("a rar archive", UNPACK)),
    (0, b"BZh", ("a bzip2 file", UNPACK)),
    (0, b"\xFD7zXZ\0", ("an xz file", UNPACK)),
    (0, b"\x04\x22\x4D\x18", ("an lz4 file", UNPACK)),
    (0, b"\x1F\x9D", ("a file packed by `compress`", UNPACK)),
    (0, b"\x5D\0\0", ("an lzma file", UNPACK)),
    (0, b"LZIP\x01", ("an lzip file", UNPACK)),
    (0, b"MSCF\0\0\0\0", ("a Windows cabinet archive", UNPACK)),
    (0, b"\xFF\x06\0\0sNaPpY", ("a snappy file", UNPACK)),
    (0, b"PAR1", ("a Parquet file", "give the export that it was made from, as JSON or CSV")),
    (
        0,
        b"Obj\x01",
        ("an Avro file, as Event Hubs Capture writes it", "convert it to JSON lines first"),
    ),
    (0, b"ORC", ("an ORC file", AS_TABLE)),
    (0, b"ARROW1\0\0", ("an Arrow file", AS_TABLE)),
    (0, b"SQLite format 3\0", ("a SQLite database", AS_TABLE)),
    (4, b"\xEF\xCD\xAB\x89", ("a database of Windows (ESE)", NOT_A_CAPTURE)),
    (4, b"Standard Jet DB\0", ("an Access database", AS_TABLE)),
    (4, b"Standard ACE DB\0", ("an Access database", AS_TABLE)),
    (
        0,
        b"ElfFile\0",
        ("a Windows event log (evtx)", "it holds no Entra sign-ins; export those in the portal"),
    ),
    (0, b"regf", ("a registry hive of Windows", NOT_A_CAPTURE)),
    (0, b"!BDN", ("an Outlook mailbox (pst)", "save the attached export out of the mail")),
    (0, b"%PDF", ("a PDF document", NOT_A_PRINT)),
    (0, b"{\\rtf", ("a document in rich text", "give the export itself")),
    (0, b"\x89PNG", ("a picture", NOT_A_PRINT)),
    (0, b"\xFF\xD8\xFF", ("a picture", NOT_A_PRINT)),
    (0, b"GIF8", ("a picture", NOT_A_PRINT)),
    (0, b"II*\0", ("a picture", NOT_A_PRINT)),
    (0, b"MM\0*", ("a picture", NOT_A_PRINT)),
    (8, b"WEBPVP8", ("a picture", NOT_A_PRINT)),
    (4, b"ftypheic", ("a picture", NOT_A_PRINT)),
    (4, b"ftyp", ("a film", NOT_A_PRINT)),
    (0, b"\x7FELF", ("a program", NOT_A_PROGRAM)),
    (0, b"\xCF\xFA\xED\xFE", ("a program", NOT_A_PROGRAM)),
    (0, b"\xCA\xFE\xBA\xBE", ("a program", NOT_A_PROGRAM)),
    (0, b"\xD4\xC3\xB2\xA1", ("a capture of network traffic (pcap)", NOT_A_CAPTURE)),
    (0, b"\xA1\xB2\xC3\xD4", ("a capture of network traffic (pcap)", NOT_A_CAPTURE)),
    (0, b"\x0A\x0D\x0D\x0A", ("a capture of network traffic (pcapng)", NOT_A_CAPTURE)),
    (0, b"EVF\x09\x0D\x0A\xFF\0", ("an image of a disk (E01)", UNPACK)),
    (0, b"MDMP\x93\xA7", ("a memory dump", NOT_A_CAPTURE)),
    (0, b"PAGEDU64", ("a memory dump", NOT_A_CAPTURE)),
    (0, b"L\0\0\0\x01\x14\x02\0", ("a shortcut", "give the file that it leads to")),
    (0, b"[InternetShortcut]", ("a shortcut to a web page", "download the log that it leads to")),
    (0, b"bplist00", ("a property list of macOS", NOT_A_PROGRAM)),
];

/// Names a file that is no text.
pub(super) fn name_binary(head: &[u8]) -> Option<NoLog> {
    let begins =
        |at: usize, bytes: &[u8]| head.get(at..).is_some_and(|rest| rest.starts_with(bytes));
    let by_bytes = || {
        let kind = KINDS.iter().find(|(at, bytes, _)| begins(*at, bytes));
        kind.map(|(_, _, kind)| *kind)
    };
    // Two letters are too few to tell a program by.
    let is_program = begins(0, b"MZ") && head.iter().take(64).any(|byte| *byte == 0);
    let kind = if begins(0, b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1") {
        compound_file(head)
    } else if is_program {
        ("a program", NOT_A_PROGRAM)
    } else {
        by_bytes()?
    };
    Some(no_log(kind))
}

/// Names a compound file of older Office by the names of its streams, which are in UTF-16.
fn compound_file(head: &[u8]) -> Kind {
    let holds = |name: &str| {
        let wide: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
        memmem::find(head, &wide).is_some()
    };
    if holds("EncryptedPackage") {
        let hint = "open it with its password, and save the sheet as `CSV UTF-8`";
        ("an Office file with a password", hint)
    } else if holds("__properties_version") || holds("__substg1.0_") {
        ("a mail of Outlook (msg)", "save the attached export out of the mail")
    } else if holds("Workbook") {
        ("an old Excel workbook", "open it and save the sheet as `CSV UTF-8`")
    } else {
        ("an old Office file", "give the export itself; save a sheet as `CSV UTF-8`")
    }
}

/// Names an Office file by the folder or file in it that holds its content.
pub fn office_file(folder: &str) -> Option<NoLog> {
    Some(no_log(match folder {
        "xl" => ("an Excel workbook", "open it and save the sheet as `CSV UTF-8`"),
        "word" => ("a Word document", "give the export itself"),
        "ppt" => ("a PowerPoint presentation", "give the export itself"),
        "content.xml" => ("a LibreOffice document", "open it and save the sheet as CSV in UTF-8"),
        "visio" => ("a Visio drawing", "give the export itself"),
        _ => return None,
    }))
}

pub(super) fn no_log((what, hint): Kind) -> NoLog {
    NoLog { what: what.to_owned(), hint }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_named_by_their_first_bytes() {
        let wide = |name: &str| {
            let name: Vec<u8> = name.encode_utf16().flat_map(u16::to_le_bytes).collect();
            [&b"\xD0\xCF\x11\xE0\xA1\xB1\x1A\xE1...."[..], &name].concat()
        };
        let what = |head: &[u8]| name_binary(head).map(|no_log| no_log.what);
        for (head, wanted) in [
            (b"7z\xBC\xAF\x27\x1C".to_vec(), "a 7z archive"),
            (b"\x89PNG\r\n".to_vec(), "a picture"),
            (b"MZ\x90\0\x03\0".to_vec(), "a program"),
            (b"\0\x01\0\0Standard Jet DB\0".to_vec(), "an Access database"),
            (b"Obj\x01\x04\x14avro".to_vec(), "an Avro file, as Event Hubs Capture writes it"),
            (wide("Workbook"), "an old Excel workbook"),
            (wide("EncryptedPackage"), "an Office file with a password"),
            (wide("__substg1.0_0037001F"), "a mail of Outlook (msg)"),
            (wide("WordDocument"), "an old Office file"),
        ] {
            assert_eq!(what(&head).as_deref(), Some(wanted));
        }
        for head in [&b"[{}]"[..], b"MZ,Date (UTC)\n", b"", b"id,regf"] {
            assert_eq!(what(head), None);
        }
    }
}
