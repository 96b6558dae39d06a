//! Every change on the disk below the output folder goes through here: one place for access
//! rights, and one where a test can see each step, or let it fail.

use std::fmt;
use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::error::{DatasetError, Tried};

/// A step that is about to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Step<'a> {
    MakeFolder(&'a Path),
    /// The file is empty afterwards, whatever it held.
    Create(&'a Path),
    /// At the file's end.
    Write(&'a Path, &'a [u8]),
    Sync(&'a Path),
    Rename(&'a Path, &'a Path),
    RemoveFile(&'a Path),
    RemoveFolder(&'a Path),
    SyncFolder(&'a Path),
}

/// Sees each step before it is done, and may refuse it.
pub trait Watch: fmt::Debug + Send + Sync {
    /// # Errors
    /// The step is not done, and fails with this error.
    fn before(&self, step: Step<'_>) -> io::Result<()>;

    /// How many of so many bytes one call writes; the others go with the next one.
    fn write_length(&self, bytes: usize) -> usize {
        bytes
    }
}

/// Who may read what is written: the permission bits of files (Unix).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Mode(u32);

impl Mode {
    /// Nobody but the owner: sign-in logs are personal data.
    const PRIVATE: Self = Self(0o600);

    /// Reads `0640` or `640`; the owner must be able to read and write, nobody may run the files.
    pub fn parse(text: &str) -> Option<Self> {
        let bits = u32::from_str_radix(text, 8).ok().filter(|_| text.len() <= 4)?;
        (bits & 0o600 == 0o600 && bits & !0o666 == 0).then_some(Self(bits))
    }

    /// Who may read a file may enter its folder.
    #[cfg_attr(not(unix), allow(dead_code, reason = "there are no such bits"))]
    fn of_folder(self) -> u32 {
        self.0 | (self.0 & 0o444) >> 2
    }
}

/// The disk as the dataset uses it.
#[derive(Debug, Clone, Default)]
pub struct Disk {
    /// As the user asked for; else [`Mode::PRIVATE`], less what the process's mask takes away.
    mode: Option<Mode>,
    watch: Option<Arc<dyn Watch>>,
}

impl Disk {
    pub fn new(mode: Option<Mode>) -> Self {
        Self { mode, watch: None }
    }

    /// The same disk with someone who sees each step.
    #[must_use]
    pub fn watched(self, watch: Arc<dyn Watch>) -> Self {
        Self { watch: Some(watch), ..self }
    }

    fn before(&self, step: Step<'_>) -> io::Result<()> {
        self.watch.as_ref().map_or(Ok(()), |watch| watch.before(step))
    }

    /// Makes a folder and those above it that are missing.
    ///
    /// # Errors
    /// One of them cannot be made.
    pub fn make_folders(&self, folder: &Path) -> Result<(), DatasetError> {
        self.make_folder(folder).map(drop)
    }

    /// Makes a folder and those above it that are missing; answers the new ones.
    ///
    /// # Errors
    /// A folder cannot be made.
    pub fn make_folder(&self, folder: &Path) -> Result<Vec<PathBuf>, DatasetError> {
        let missing =
            folder.ancestors().take_while(|above| !above.as_os_str().is_empty() && !above.exists());
        let mut missing: Vec<PathBuf> = missing.map(Path::to_owned).collect();
        missing.reverse();
        for new in &missing {
            let made = self.before(Step::MakeFolder(new)).and_then(|()| self.make_one(new));
            made.tried("make folder", new)?;
        }
        Ok(missing)
    }

    fn make_one(&self, folder: &Path) -> io::Result<()> {
        let mut builder = fs::DirBuilder::new();
        #[cfg(unix)]
        {
            use std::os::unix::fs::DirBuilderExt;
            builder.mode(self.mode.unwrap_or(Mode::PRIVATE).of_folder());
        }
        match builder.create(folder) {
            // Someone else may have been quicker.
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists && folder.is_dir() => Ok(()),
            made => made.and_then(|()| self.allow(folder, Mode::of_folder)),
        }
    }

    /// Lifts what the mask of the process took from the mode that the user asked for.
    fn allow(&self, path: &Path, bits: fn(Mode) -> u32) -> io::Result<()> {
        #[cfg(unix)]
        if let Some(mode) = self.mode {
            use std::os::unix::fs::PermissionsExt;
            return fs::set_permissions(path, fs::Permissions::from_mode(bits(mode)));
        }
        let _ = (path, bits);
        Ok(())
    }

    /// How a file is opened that is made if it is missing.
    pub(super) fn options(&self) -> OpenOptions {
        let mut options = File::options();
        options.write(true).create(true);
        #[cfg(unix)]
        {
            use std::os::unix::fs::OpenOptionsExt;
            options.mode(self.mode.unwrap_or(Mode::PRIVATE).0);
        }
        options
    }

    /// Makes an empty file, in the place of an older one.
    pub(super) fn create(&self, path: &Path) -> Result<DiskFile, DatasetError> {
        let create = || {
            self.before(Step::Create(path))?;
            let file = self.options().read(true).truncate(true).open(path)?;
            self.allow(path, |mode| mode.0)?;
            Ok(DiskFile { file, path: path.to_owned(), disk: self.clone() })
        };
        create().tried("create", path)
    }

    pub(super) fn rename(&self, from: &Path, to: &Path) -> Result<(), DatasetError> {
        let renamed = self.before(Step::Rename(from, to)).and_then(|()| fs::rename(from, to));
        renamed.tried("rename", to)
    }

    pub(super) fn remove_file(&self, path: &Path) -> io::Result<()> {
        self.before(Step::RemoveFile(path)).and_then(|()| fs::remove_file(path))
    }

    /// Removes a folder that is empty.
    pub(super) fn remove_empty_folder(&self, folder: &Path) -> io::Result<()> {
        if fs::read_dir(folder)?.next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        self.before(Step::RemoveFolder(folder)).and_then(|()| fs::remove_dir(folder))
    }

    /// Removes a folder and all that is in it; none is fine, too.
    pub(super) fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        let removed = self.before(Step::RemoveFolder(folder));
        match removed.and_then(|()| fs::remove_dir_all(folder)) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(()),
            removed => removed,
        }
    }

    /// Makes renames in a folder durable. Windows has no such call; NTFS journals them.
    pub(super) fn sync_folder(&self, folder: &Path) -> Result<(), DatasetError> {
        let synced = self.before(Step::SyncFolder(folder));
        #[cfg(unix)]
        let synced = synced.and_then(|()| File::open(folder)?.sync_all());
        synced.tried("sync", folder)
    }

    /// Replaces a file by another content, whole or not at all.
    ///
    /// # Errors
    /// The file, or the temporary one beside it, cannot be written.
    pub fn replace(&self, path: &Path, content: &[u8]) -> Result<(), DatasetError> {
        let mut temporary = path.as_os_str().to_owned();
        temporary.push(".tmp");
        let temporary = PathBuf::from(temporary);
        self.write_synced(&temporary, content)?;
        self.rename(&temporary, path)?;
        match path.parent() {
            None => Ok(()),
            // A bare name lies in the folder in which the program runs.
            Some(folder) if folder.as_os_str().is_empty() => self.sync_folder(Path::new(".")),
            Some(folder) => self.sync_folder(folder),
        }
    }

    /// Adds a line to a log: one call, so that lines of several programs do not mix.
    ///
    /// # Errors
    /// The file cannot be made or written.
    pub fn append(&self, path: &Path, line: &[u8]) -> Result<(), DatasetError> {
        let append = || {
            self.before(Step::Write(path, line))?;
            self.options().append(true).open(path)?.write_all(line)
        };
        append().tried("write", path)
    }

    pub(super) fn write_synced(&self, path: &Path, content: &[u8]) -> Result<(), DatasetError> {
        let mut file = self.create(path)?;
        file.write_all(content).tried("write", path)?;
        file.sync()
    }
}

/// A file that is being written.
#[derive(Debug)]
pub(super) struct DiskFile {
    file: File,
    path: PathBuf,
    disk: Disk,
}

impl DiskFile {
    pub(super) fn sync(&self) -> Result<(), DatasetError> {
        let synced = self.disk.before(Step::Sync(&self.path));
        synced.and_then(|()| self.file.sync_all()).tried("sync", &self.path)
    }

    /// Turns to reading, from a place on.
    pub(super) fn read_from(&self, offset: u64) -> Result<&File, DatasetError> {
        (&self.file).seek(SeekFrom::Start(offset)).tried("read", &self.path)?;
        Ok(&self.file)
    }
}

impl Write for DiskFile {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let watch = self.disk.watch.as_ref();
        let length = watch.map_or(bytes.len(), |watch| watch.write_length(bytes.len()));
        let bytes = &bytes[..length.min(bytes.len())];
        self.disk.before(Step::Write(&self.path, bytes))?;
        self.file.write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl Read for DiskFile {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        self.file.read(buffer)
    }
}
