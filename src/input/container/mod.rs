//! Archives: what is in them, as streams. Nothing is ever extracted, and a member's name is never
//! a path.
//!
//! The readers are our own, since those of libraries keep the whole table of contents or a name of
//! any length in memory, and lend out members only as long as they live; here a member can be
//! opened again, and memory is bounded whatever an archive says.

mod limits;
mod names;
pub mod passwords;
mod spool;
mod tar;
mod zip;

use std::io;

pub use limits::{Budget, MEMBERS_MAX};
pub use names::{MemberNames, is_hidden};
pub use spool::{Bytes, SpoolRoom, spool};
pub use tar::TarReader;
pub use zip::{ZipArchive, ZipMember};

/// How a stream holds several files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Packing {
    Zip,
    Tar,
}

impl Packing {
    /// Tells an archive by the first bytes of the unpacked stream.
    pub fn of(head: &[u8]) -> Option<Self> {
        match head {
            // A member, the table of contents of an empty archive, or a part of a split one.
            [b'P', b'K', 3, 4, ..] | [b'P', b'K', 5, 6, ..] | [b'P', b'K', 7, 8, ..] => {
                Some(Self::Zip)
            }
            _ if tar::is_header(head) => Some(Self::Tar),
            _ => None,
        }
    }
}

/// What a member is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MemberKind {
    File,
    /// A file with holes or on several volumes: its bytes are not one after the other.
    Sparse,
    Folder,
    /// A link or a device.
    Other,
}

/// Why an archive or a member of it cannot be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ArchiveError {
    #[error("the archive is damaged: {0}")]
    Damaged(&'static str),
    #[error("encrypted")]
    Encrypted,
    #[error("encrypted, and none of the passwords given opens it")]
    WrongPassword,
    #[error("encrypted in a way that is not read")]
    UnknownEncryption,
    #[error("packed by {0}, which is not read")]
    Method(&'static str),
    #[error("one part of an archive that was split into several")]
    Split,
    #[error("a sparse file, or a part of one, in a tar archive")]
    Sparse,
    #[error("an archive in an archive in an archive is one too deep")]
    TooDeep,
    #[error("the archive has more than {MEMBERS_MAX} members; those behind are not read")]
    TooMany,
    #[error(
        "cut off: it unpacks to more than {} GiB and {} times its size",
        limits::UNPACKED_GIB,
        limits::UNPACKED_RATIO
    )]
    Bomb,
    #[error("an archive inside of an archive that needs too much room")]
    TooLarge,
}

impl ArchiveError {
    /// What to do about it, in plain words.
    pub fn hint(self) -> &'static str {
        match self {
            Self::Damaged(_) => "copy or download the archive again; it may have been cut short",
            Self::Encrypted => {
                "write its password into a text file and add `--zip-password-file FILE`"
            }
            Self::WrongPassword => "the file of `--zip-password-file` takes one password a line",
            Self::UnknownEncryption | Self::Method(_) | Self::TooDeep | Self::TooMany => {
                "unpack the archive and give the folder with its files"
            }
            Self::Split => "put the parts together with the program that made them",
            Self::Sparse | Self::TooLarge => "unpack the archive that holds it and give the file",
            Self::Bomb => "if you trust the archive, unpack it and give the files",
        }
    }

    /// The archive's own reason inside of an error of input and output.
    pub fn within(error: &io::Error) -> Option<Self> {
        error.get_ref()?.downcast_ref().copied()
    }
}

impl From<ArchiveError> for io::Error {
    fn from(error: ArchiveError) -> Self {
        Self::other(error)
    }
}
