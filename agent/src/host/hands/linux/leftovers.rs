//! Groups and the trust store, by the tools of the system.

use std::path::Path;

use super::{
    super::{
        leftovers,
        seam::{Anchor, HandsError, Run, ToolRun},
    },
    process::Runner,
};

/// Of the shadow suite, on every distribution with accounts of its own.
const GROUPDEL: &str = "/usr/sbin/groupdel";
/// What builds the trust store from its anchors: Debian's and SUSE's (both also clear links whose anchor is gone), Red
/// Hat's.
const BUILDERS: &[(&str, &[&str])] = &[
    ("/usr/sbin/update-ca-certificates", &["--fresh"]),
    ("/usr/bin/update-ca-trust", &["extract"]),
];

pub(super) fn delete_group(runner: &Runner, name: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
    // The tool refuses a primary group too, but tells the user's name.
    if leftovers::unused_group(Path::new("/"), name)?.is_none() {
        return Ok(done());
    }
    let mut session = runner.session(run)?;
    session.tool(GROUPDEL, &["--", name])?;
    session.finish()
}

pub(super) fn remove_anchors(runner: &Runner, anchors: &[Anchor], run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
    let Some((builder, arguments)) = BUILDERS.iter().find(|(builder, _)| Path::new(builder).exists()) else {
        return Err(HandsError::Unsupported(
            "no tool here builds the trust store anew (update-ca-certificates, update-ca-trust); take the certificate out \
             by hand"
                .to_owned(),
        ));
    };
    for anchor in anchors {
        leftovers::delete_anchor(Path::new("/"), anchor)?;
        tracing::info!(path = anchor.path, "anchor deleted");
    }
    let mut session = runner.session(run)?;
    session.tool(builder, arguments)?;
    session.finish()
}

fn done() -> ToolRun {
    ToolRun {
        exit_code: Some(0),
        ..ToolRun::default()
    }
}
