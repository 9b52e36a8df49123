//! The harmless file that every antivirus names, and a database of our own that names it.

use std::fs;

use anyhow::Result;

use crate::harness::debian_root::DebianRoot;

/// The EICAR test file (eicar.org) in two parts: whole, an antivirus on a developer's machine would take this source
/// file away.
const PARTS: [&str; 2] = [
    r"X5O!P%@AP[4\PZX54(P^)7CC)7}$EICAR-STANDARD-",
    "ANTIVIRUS-TEST-FILE!$H+H*",
];

/// What ClamAV calls the file by our database; it adds `.UNOFFICIAL` by itself.
pub const NAME: &str = "Cutover.Test.EICAR";

/// MD5 and length of the file, in the form of ClamAV's `.hdb` files: `digest:size:name`.
const SIGNATURE: &str = "44d88612fea8a8f36de82e1278abb02f:68";

/// The text of the file.
#[must_use]
pub fn text() -> String {
    PARTS.concat()
}

/// The text of a database that knows this one file.
#[must_use]
pub fn database() -> String {
    format!("{SIGNATURE}:{NAME}\n")
}

/// Puts a database into the root that knows this one file, as a mirror inside an organisation would. No official database
/// can be had without the internet, so none is tried.
///
/// # Errors
/// When it cannot be written.
pub fn plant_database(root: &DebianRoot) -> Result<()> {
    let directory = root.outside("/var/lib/clamav");
    fs::create_dir_all(&directory)?;
    fs::write(directory.join("cutover-test.hdb"), database())?;
    Ok(())
}
