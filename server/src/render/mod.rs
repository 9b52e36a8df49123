//! Documents for people out of figures: HTML and CSV. Pure.

mod report;

pub use report::{RenderError, report_csv, report_html};
