//! What to do about a file that cannot be read, in plain words.

use std::io::{self, ErrorKind};

use super::container::ArchiveError;

/// What to do about an error of reading, if there is something to do.
pub fn hint_of(error: &io::Error) -> Option<&'static str> {
    ArchiveError::within(error).map(ArchiveError::hint).or_else(|| io_hint(error))
}

/// What to do about an error of the operating system.
pub fn io_hint(error: &io::Error) -> Option<&'static str> {
    let number = error.raw_os_error();
    let by_number = if cfg!(windows) { windows_hint(number) } else { unix_hint(number) };
    by_number.or_else(|| kind_hint(error.kind()))
}

const LOCKED: &str = "another program has it open: close it there (Excel locks its files), or copy \
                      the file and give the copy";
const NO_PERMISSION: &str = "you may not read it: ask for access, or run as a user who may";
pub(super) const NO_SHARE: &str = "the network share cannot be reached: check its name and that you are \
                        connected, or copy the files to this computer first";
const BAD_DISK: &str = "the disk or its cable gave an error: copy the file to another disk and \
                        give the copy";
const NOT_HERE: &str = "the file lies in the cloud only: right-click it and choose \
                        `Always keep on this device`";

/// By the system error codes of Windows (winerror.h).
fn windows_hint(number: Option<i32>) -> Option<&'static str> {
    Some(match number? {
        // A sharing or a lock violation.
        32 | 33 => LOCKED,
        5 => NO_PERMISSION,
        // The network path, name or connection is gone.
        51 | 53 | 54 | 55 | 59 | 64 | 65 | 67 | 121 | 1203 | 1231 => NO_SHARE,
        // A bad sector, a device that is not ready or answers with an error.
        21 | 23 | 27 | 30 | 1117 | 1392 => BAD_DISK,
        // OneDrive does not run, or cannot be asked.
        362 | 389 | 390 | 395 | 426 => NOT_HERE,
        206 => "its path is too long: move it to a folder nearer to the drive",
        _ => return None,
    })
}

/// By the numbers that Linux and macOS share (errno).
fn unix_hint(number: Option<i32>) -> Option<&'static str> {
    (number? == 5).then_some(BAD_DISK)
}

fn kind_hint(kind: ErrorKind) -> Option<&'static str> {
    Some(match kind {
        ErrorKind::PermissionDenied => NO_PERMISSION,
        ErrorKind::NetworkUnreachable
        | ErrorKind::HostUnreachable
        | ErrorKind::NetworkDown
        | ErrorKind::StaleNetworkFileHandle
        | ErrorKind::TimedOut => NO_SHARE,
        ErrorKind::UnexpectedEof | ErrorKind::InvalidData | ErrorKind::InvalidInput => {
            "copy or download it again; it may have been cut short"
        }
        ErrorKind::StorageFull | ErrorKind::QuotaExceeded => "the disk of `--out` is full",
        ErrorKind::IsADirectory => "give the files in it, or the folder above it",
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_windows_are_told_by_their_numbers() {
        for (number, hint) in [
            (32, Some(LOCKED)),
            (33, Some(LOCKED)),
            (5, Some(NO_PERMISSION)),
            (53, Some(NO_SHARE)),
            (23, Some(BAD_DISK)),
            (362, Some(NOT_HERE)),
            (0, None),
        ] {
            assert_eq!(windows_hint(Some(number)), hint, "{number}");
        }
        assert_eq!(windows_hint(None), None);
        // The same numbers mean other things elsewhere.
        assert_eq!(unix_hint(Some(5)), Some(BAD_DISK));
        assert_eq!(unix_hint(Some(32)), None);
    }

    #[test]
    fn other_errors_are_told_by_their_kind_and_archives_by_their_reason() {
        let denied = io::Error::from(ErrorKind::PermissionDenied);
        assert_eq!(hint_of(&denied), Some(NO_PERMISSION));
        let encrypted = io::Error::from(ArchiveError::Encrypted);
        assert!(hint_of(&encrypted).is_some_and(|hint| hint.contains("--zip-password-file")));
        assert_eq!(hint_of(&io::Error::other("x")), None);
    }
}
