//! What a test needs of the machine, and what happens where it is missing.

use anyhow::{Result, bail};

/// Says whether a test can run here. `Ok(false)` means: return at once, the reason has been printed.
///
/// # Errors
/// With `CI=true` a missing requirement is an error, so that nothing is left out unnoticed.
pub fn met(need: Result<()>) -> Result<bool> {
    let Err(missing) = need else { return Ok(true) };
    if std::env::var("CI").is_ok_and(|ci| ci == "true") {
        bail!("this test cannot run here, and with CI=true none may be left out: {missing:#}");
    }
    #[expect(clippy::print_stderr, reason = "whoever runs the test must see that it was left out")]
    {
        eprintln!("LEFT OUT: {missing:#}");
    }
    Ok(false)
}
