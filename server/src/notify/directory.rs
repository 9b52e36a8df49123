//! A report as files in a directory, each whole or not at all.

use std::{
    fs::{self, File},
    io::Write,
    path::Path,
};

use cutover_core::report::{Document, file_stem};

use super::DeliverError;
use crate::render;

/// Writes a report as HTML and CSV under temporary names, makes them durable, then renames them.
pub(super) fn write_report(directory: &Path, body: &str) -> Result<(), DeliverError> {
    let document: Document = serde_json::from_str(body).map_err(|error| DeliverError::Document(error.to_string()))?;
    let unwritable = |error: render::RenderError| DeliverError::Document(error.to_string());
    let stem = file_stem(&document.schedule, &document.period);
    let files = [
        (
            format!("{stem}.html"),
            render::report_html(&document.figures, document.late).map_err(unwritable)?,
        ),
        (
            format!("{stem}.csv"),
            render::report_csv(&document.figures).map_err(unwritable)?,
        ),
    ];
    fs::create_dir_all(directory).map_err(at(directory))?;
    for (name, text) in &files {
        let (path, unfinished) = (directory.join(name), directory.join(format!(".{name}.unfinished")));
        let mut file = File::create(&unfinished).map_err(at(&unfinished))?;
        file.write_all(text.as_bytes())
            .and_then(|()| file.sync_all())
            .map_err(at(&unfinished))?;
        fs::rename(&unfinished, &path).map_err(at(&path))?;
    }
    File::open(directory)
        .and_then(|directory| directory.sync_all())
        .map_err(at(directory))
}

fn at(path: &Path) -> impl Fn(std::io::Error) -> DeliverError {
    let path = path.display().to_string();
    move |source| DeliverError::Write {
        path: path.clone(),
        source,
    }
}
