//! How cells look, decided once.

use rust_xlsxwriter::{Color, Format, FormatAlign, FormatBorder};

/// The formats of all sheets.
pub(super) struct Formats {
    pub(super) title: Format,
    /// A sentence that answers, or that says what is missing.
    pub(super) strong: Format,
    pub(super) head: Format,
    /// A text that looks like a formula.
    pub(super) quoted: Format,
    /// A sentence of ours that may need two lines.
    pub(super) wrapped: Format,
    pub(super) count: Format,
    pub(super) code: Format,
    pub(super) share: Format,
    pub(super) moment: Format,
    /// LibreOffice shows a truth value as a number unless it is told; Excel needs no format.
    pub(super) flag: Format,
}

impl Formats {
    pub(super) fn new() -> Self {
        let head = Format::new()
            .set_bold()
            .set_font_color(Color::White)
            .set_background_color(Color::RGB(0x1f3a5f))
            .set_border_bottom(FormatBorder::Thin)
            .set_align(FormatAlign::VerticalCenter)
            .set_text_wrap();
        Self {
            title: Format::new().set_bold().set_font_size(16),
            strong: Format::new().set_bold(),
            head,
            quoted: Format::new().set_quote_prefix(),
            wrapped: Format::new().set_text_wrap().set_align(FormatAlign::Top),
            count: Format::new().set_num_format("#,##0"),
            code: Format::new().set_num_format("0"),
            share: Format::new().set_num_format("0.0%"),
            moment: Format::new().set_num_format("yyyy-mm-dd hh:mm:ss \"UTC\""),
            flag: Format::new().set_num_format("\"TRUE\";\"TRUE\";\"FALSE\""),
        }
    }
}
