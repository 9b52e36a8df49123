//! Documents for people out of figures: HTML and CSV. Pure.

mod report;

#[cfg(test)]
mod tests;

pub use report::{RenderError, report_csv, report_html};
