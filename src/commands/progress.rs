//! The bar that people see while a sweep reads: bytes, rate, time left.

use indicatif::{ProgressBar, ProgressDrawTarget, ProgressStyle};
use tenantsweep::sweep::Progress;

/// Draws on standard error if that is a terminal, else nowhere.
#[derive(Debug)]
pub struct Bar {
    bar: ProgressBar,
}

impl Bar {
    pub fn new(quiet: bool) -> Self {
        let target =
            if quiet { ProgressDrawTarget::hidden() } else { ProgressDrawTarget::stderr() };
        Self { bar: ProgressBar::with_draw_target(Some(0), target) }
    }
}

const STYLE: &str = "{msg} [{bar:30}] {bytes} of {total_bytes}, {bytes_per_sec}, {eta} left";

impl Progress for Bar {
    fn start(&self, files: usize, bytes: u64) {
        if let Ok(style) = ProgressStyle::with_template(STYLE) {
            self.bar.set_style(style.progress_chars("=> "));
        }
        self.bar.set_length(bytes);
        self.bar.set_message(format!("reading {files} files"));
    }

    fn advance(&self, bytes: u64) {
        self.bar.inc(bytes);
    }

    fn finish(&self) {
        self.bar.finish_and_clear();
    }
}
