//! What `systemextensionsctl list` prints.

/// One system extension of macOS. While it waits to go, it is listed beside the one that takes its place.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SystemExtension {
    /// Its maker's team.
    pub team: String,
    /// Its bundle id.
    pub identifier: String,
    /// Its version; empty where it is not told.
    pub version: String,
    /// What the system says of it: `activated enabled`; empty on systems that say it by marks alone.
    pub state: String,
}

/// Reads the list: a line with the number of extensions, then per kind a headline, the names of the columns, and a line of
/// columns parted by tabs for each.
///
/// # Errors
/// When the number is missing or not that of the lines: nothing follows from a list that was cut.
pub fn parse(bytes: &[u8]) -> Result<Vec<SystemExtension>, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut lines = text.lines();
    let count: usize = lines
        .next()
        .and_then(|line| line.strip_suffix("extension(s)")?.trim().parse().ok())
        .ok_or_else(|| "systemextensionsctl does not say how many system extensions there are".to_owned())?;
    let extensions: Vec<SystemExtension> = lines.filter_map(extension).collect();
    if extensions.len() == count {
        Ok(extensions)
    } else {
        Err(format!(
            "systemextensionsctl says {count} system extensions and lists {}",
            extensions.len()
        ))
    }
}

fn extension(line: &str) -> Option<SystemExtension> {
    let columns: Vec<&str> = line.split('\t').map(str::trim).collect();
    let [_, _, team, bundle, _, rest @ ..] = columns.as_slice() else {
        return None;
    };
    if *team == "teamID" {
        return None;
    }
    let (identifier, version) = match bundle.split_once(" (") {
        Some((identifier, version)) => (
            identifier,
            version.trim_end_matches(')').split('/').next().unwrap_or_default(),
        ),
        None => (*bundle, ""),
    };
    Some(SystemExtension {
        team: (*team).to_owned(),
        identifier: identifier.to_owned(),
        version: version.to_owned(),
        state: rest
            .first()
            .map_or("", |state| state.trim_matches(['[', ']']))
            .to_owned(),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "1 extension(s)\n--- com.apple.system_extension.endpoint_security\n\
        enabled\tactive\tteamID\tbundleID (version)\tname\t[state]\n\
        *\t*\t2Y8XE5CQ94\tcom.kaspersky.kav.sysext (12.0.0/12.0.0.325)\tKaspersky\t[activated enabled]\n";

    #[test]
    fn an_extension_has_its_team_bundle_version_and_state() {
        let listed = parse(LISTED.as_bytes()).expect("sound");
        let [one] = listed.as_slice() else {
            panic!("{listed:?}");
        };
        assert_eq!(
            (one.team.as_str(), one.identifier.as_str()),
            ("2Y8XE5CQ94", "com.kaspersky.kav.sysext")
        );
        assert_eq!(
            (one.version.as_str(), one.state.as_str()),
            ("12.0.0", "activated enabled")
        );
        assert_eq!(parse(b"0 extension(s)\n"), Ok(Vec::new()));
    }

    #[test]
    fn a_list_that_was_cut_or_is_none_says_nothing() {
        for cut in [
            "",
            "zsh: command not found",
            "1 extension(s)\n",
            &LISTED.replace("1 ext", "2 ext"),
        ] {
            assert!(parse(cut.as_bytes()).is_err(), "{cut}");
        }
    }
}
