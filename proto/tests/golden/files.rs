//! Kept files: hex, broken into lines so that a difference can be read.

use std::{env, fs, path::PathBuf};

const LINE: usize = 96;

fn path(name: &str) -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("golden/v1").join(name)
}

/// The kept text. Where there is none, and only then, `CUTOVER_WRITE_GOLDEN=1` keeps what `fresh` makes.
pub(crate) fn kept_text(name: &str, fresh: impl FnOnce() -> String) -> String {
    let path = path(name);
    if !path.exists() && env::var_os("CUTOVER_WRITE_GOLDEN").is_some() {
        fs::create_dir_all(path.parent().expect("joined to a directory")).unwrap();
        fs::write(&path, fresh()).unwrap();
    }
    fs::read_to_string(&path).unwrap_or_else(|error| {
        panic!(
            "{}: {error}; run once with CUTOVER_WRITE_GOLDEN=1 and commit the file",
            path.display()
        )
    })
}

/// The kept bytes, as [`kept_text`].
pub(crate) fn kept_bytes(name: &str, fresh: impl FnOnce() -> Vec<u8>) -> Vec<u8> {
    let text = kept_text(&format!("{name}.hex"), || lines_of_hex(&fresh()));
    let digits: String = text.split_whitespace().collect();
    hex::decode(digits).unwrap_or_else(|error| panic!("{name}.hex: {error}"))
}

fn lines_of_hex(bytes: &[u8]) -> String {
    let digits = hex::encode(bytes);
    let mut text = String::new();
    for line in digits.as_bytes().chunks(LINE) {
        text.push_str(std::str::from_utf8(line).expect("hex is ASCII"));
        text.push('\n');
    }
    text
}
