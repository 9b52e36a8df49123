//! What went wrong, in words.

use anyhow::Error;

/// An error with its causes. Many an error tells its cause in its own words already, and then that is not told again.
pub(super) fn in_words(error: &Error) -> String {
    let mut words = String::new();
    for cause in error.chain() {
        let cause = cause.to_string();
        let cause = cause.trim_end();
        if words.contains(cause) {
            continue;
        }
        if !words.is_empty() {
            words.push_str(": ");
        }
        words.push_str(cause);
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    #[derive(Debug, thiserror::Error)]
    #[error("agent.toml: {source}; mend it")]
    struct Both {
        source: std::io::Error,
    }

    #[test]
    fn a_cause_is_told_once() {
        let source = std::io::Error::other("no such key\n");
        let error = Error::from(Both { source }).context("configuration");
        assert_eq!(in_words(&error), "configuration: agent.toml: no such key\n; mend it");
        let plain = anyhow::anyhow!("no route").context("the server is not reached");
        assert_eq!(in_words(&plain), "the server is not reached: no route");
    }
}
