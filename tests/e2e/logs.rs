//! What both programs log.

use anyhow::{Result, ensure};

/// Whoever reads both logs finds a check-in of the agent again where the server commits it: by request id, host and
/// attempt.
pub(super) fn a_check_in_can_be_followed(agent: &str, server: &str) -> Result<()> {
    let told = agent
        .lines()
        .filter(|line| line.contains("check_in{") && line.contains("attempt=1"))
        .filter_map(|line| Some((field(line, "host=")?, field(line, "request_id=")?)));
    let committed = |host: &str, request: &str| {
        server.lines().any(|line| {
            line.contains("committed")
                && line.contains("attempt=1")
                && field(line, "host=") == Some(host)
                && field(line, "request_id=") == Some(request)
        })
    };
    ensure!(
        told.into_iter().any(|(host, request)| committed(host, request)),
        "no check-in of the agent's log is committed in the server's"
    );
    Ok(())
}

/// What stands after a field's name in a line of a log, without quotes.
fn field<'l>(line: &'l str, name: &str) -> Option<&'l str> {
    let rest = line.split_once(name)?.1.trim_start_matches('"');
    rest.split(['"', ' ', '}']).next()
}
