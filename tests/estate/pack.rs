//! Archives that hold the exports of one tenant.

use std::io::{self, Cursor, Write};

use flate2::Compression;
use flate2::write::GzEncoder;
use zip::ZipWriter;
use zip::write::SimpleFileOptions;

use super::plan::FilePlan;
use super::rng::Rng;
use super::world::World;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Archive {
    Zip,
    Tar,
    TarGz,
}

/// A member's name and its bytes.
pub type Member = (String, Vec<u8>);

impl Archive {
    /// The archive for the exports of one tenant, and its path.
    pub fn draw(world: &World, plans: &[FilePlan]) -> Option<(Self, String)> {
        let first = plans.first()?;
        let mut rng = Rng::derived(first.seed, &[9]);
        if !rng.chance(world.options.packed_share) {
            return None;
        }
        let archive = *rng.pick(&[Self::Zip, Self::Zip, Self::Tar, Self::TarGz]);
        let name = &first.exporter.tenant(world).name;
        Some((archive, format!("{name}.{}", archive.extension())))
    }

    fn extension(self) -> &'static str {
        match self {
            Self::Zip => "zip",
            Self::Tar => "tar",
            Self::TarGz => "tar.gz",
        }
    }

    pub fn write(self, members: &[Member], target: &mut dyn Write) -> io::Result<()> {
        match self {
            Self::Zip => write_zip(members, target),
            Self::Tar => write_tar(members, target),
            Self::TarGz => {
                let mut gzip = GzEncoder::new(target, Compression::fast());
                write_tar(members, &mut gzip)?;
                gzip.finish()?.flush()
            }
        }
    }
}

fn write_zip(members: &[Member], target: &mut dyn Write) -> io::Result<()> {
    let mut zip = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, bytes) in members {
        zip.start_file(name.as_str(), SimpleFileOptions::default())?;
        zip.write_all(bytes)?;
    }
    target.write_all(&zip.finish()?.into_inner())
}

fn write_tar(members: &[Member], target: &mut dyn Write) -> io::Result<()> {
    let mut tar = tar::Builder::new(target);
    for (name, bytes) in members {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o644);
        tar.append_data(&mut header, name, bytes.as_slice())?;
    }
    tar.into_inner()?.flush()
}
