//! Where a gate outside is asked.

use std::net::{Ipv4Addr, Ipv6Addr};

/// The longest that is taken, in bytes.
const LONGEST: usize = 2000;

/// Checks an address to which questions go: `https`, or `http` to this machine. What it says opens waves, so nobody between may
/// change it.
///
/// # Errors
/// What is wrong with it, and what to write instead.
pub(crate) fn check(url: &str) -> Result<(), String> {
    let refused = |why: &str| {
        Err(format!(
            "`{url}` {why}; write an address such as https://changes.example.org/cutover"
        ))
    };
    if url.len() > LONGEST || !url.bytes().all(|byte| byte.is_ascii_graphic() && byte != b'\\') {
        return refused("is too long, or has spaces or signs in it that no address has");
    }
    let (is_plain, rest) = match (url.strip_prefix("https://"), url.strip_prefix("http://")) {
        (Some(rest), _) => (false, rest),
        (None, Some(rest)) => (true, rest),
        (None, None) => return refused("begins with neither https:// nor http://"),
    };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    if authority.contains('@') {
        return refused("names a user; the secret is the server's (gates.secret_file), and not in this file");
    }
    let host = host(authority);
    if host.is_empty() {
        return refused("names no host");
    }
    if is_plain && !is_this_machine(host) {
        return refused("is http to another machine, where anybody on the way could answer; use https");
    }
    Ok(())
}

fn host(authority: &str) -> &str {
    match authority.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => authority.split(':').next().unwrap_or_default(),
    }
}

fn is_this_machine(host: &str) -> bool {
    host == "localhost"
        || host.parse::<Ipv4Addr>().is_ok_and(|ip| ip.is_loopback())
        || host.parse::<Ipv6Addr>().is_ok_and(|ip| ip.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_address_is_taken_up_to_two_thousand_bytes() {
        let of = |length: usize| format!("https://changes.example.org/{}", "x".repeat(length - 28));
        assert_eq!((of(LONGEST).len(), check(&of(LONGEST))), (2000, Ok(())));
        assert!(check(&of(LONGEST + 1)).unwrap_err().contains("is too long"));
    }

    #[test]
    fn a_question_goes_by_https_or_to_this_machine_alone() {
        for good in [
            "https://changes.example.org/cutover?of=us",
            "https://10.0.0.7:8443",
            "http://localhost:8080/ask",
            "http://127.0.0.2:1",
            "http://[::1]:8080/",
        ] {
            assert_eq!(check(good), Ok(()), "{good}");
        }
        for (bad, why) in [
            ("http://changes.example.org/", "is http to another machine"),
            ("http://localhost.example.org/", "is http to another machine"),
            ("http://127.0.0.1@example.org/", "names a user"),
            ("http://127.0.0.1\\@example.org/", "has spaces or signs"),
            ("http://127.0.0.1 .example.org/", "has spaces or signs"),
            ("http://10.0.0.7/", "is http to another machine"),
            ("https:///ask", "names no host"),
            ("ftp://changes.example.org", "begins with neither"),
            ("changes.example.org", "begins with neither"),
        ] {
            let said = check(bad).unwrap_err();
            assert!(said.contains(why) && said.contains("https://changes"), "{bad}: {said}");
        }
    }
}
