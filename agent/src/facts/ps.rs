//! What `ps -axww -o pid= -o comm=` of macOS prints.

use super::Process;

/// Reads the list: a line a process, its id and the path of its executable (a name alone where a program was started by
/// that, or calls itself so).
///
/// # Errors
/// When a line is none, or the first process is missing, which every running system has: nothing follows from a list
/// that was cut.
pub fn processes(bytes: &[u8]) -> Result<Vec<Process>, String> {
    let text = String::from_utf8_lossy(bytes);
    let mut processes = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| process(line).ok_or_else(|| format!("ps prints a line that names no process: {line:.80}")))
        .collect::<Result<Vec<_>, _>>()?;
    processes.sort_unstable();
    match processes.first() {
        Some(first) if first.pid <= 1 => Ok(processes),
        Some(_) | None => Err("ps does not list process 1, so others may be missing too".to_owned()),
    }
}

fn process(line: &str) -> Option<Process> {
    let (pid, command) = line.trim_start().split_once(' ')?;
    let command = command.trim();
    let is_path = command.starts_with('/');
    let name = if is_path { command.rsplit('/').next()? } else { command };
    if name.is_empty() {
        return None;
    }
    Some(Process {
        pid: pid.parse().ok()?,
        comm: name.to_owned(),
        exe: is_path.then(|| command.to_owned()),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const LISTED: &str = "    1 /sbin/launchd\n  345 /Library/Application Support/Kaspersky Lab/KAV/Binaries/kav\n\
        \x20 512 -zsh\n";

    #[test]
    fn a_process_has_its_id_its_path_and_its_name() {
        let listed = processes(LISTED.as_bytes()).expect("sound");
        assert_eq!(listed.len(), 3);
        assert_eq!(
            listed[1].executable(),
            Some("/Library/Application Support/Kaspersky Lab/KAV/Binaries/kav")
        );
        assert!(listed[1].runs_as("kav") && listed[0].runs_as("launchd"));
        assert_eq!((listed[2].comm.as_str(), listed[2].executable()), ("-zsh", None));
    }

    #[test]
    fn a_list_that_is_cut_or_is_none_says_nothing() {
        for cut in [
            "",
            "  345 /usr/bin/kav\n",
            "ps: illegal option",
            "1 /sbin/launchd\n  x y\n",
            "1 /\n",
        ] {
            assert!(processes(cut.as_bytes()).is_err(), "{cut}");
        }
    }
}
