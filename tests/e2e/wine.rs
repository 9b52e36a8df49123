//! A Windows of a test's own, by Wine, and the agent's package for it.

use std::cell::Cell;
use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::clock::wait_for;
use cutover_tests::harness::process::{Finished, Running, find, run, tool};
use cutover_tests::harness::release;
use serde_json::Value;

/// Longer than anything here takes on a busy machine.
pub(super) const LIMIT: Duration = Duration::from_secs(300);

/// The number of the start that it begins with.
const BOOT: u32 = 7;

/// As Windows Installer sees it.
pub(super) const AGENT: &str = r"C:\Program Files\Cutover\cutover-agent.exe";

pub(super) fn top() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("..")
}

/// The agent for Windows, as `tests/windows/cargo` built it.
pub(super) fn program() -> PathBuf {
    let target =
        std::env::var_os("CUTOVER_WINDOWS_TARGET_DIR").map_or_else(|| top().join("target/windows"), PathBuf::from);
    target.join("x86_64-pc-windows-gnu/windows/cutover-agent.exe")
}

pub(super) fn readiness() -> Result<()> {
    for (name, package) in [
        ("wixl", "wixl"),
        ("msibuild", "msitools"),
        ("osslsigncode", "osslsigncode"),
        ("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"),
    ] {
        ensure!(find(name).is_some(), "{name} is missing: apt-get install {package}");
    }
    ensure!(
        Path::new("/usr/lib/wine/wine64").exists(),
        "Wine is missing: apt-get install wine64 wine"
    );
    // The age of its kernel's session is the test's to say.
    let mut clocks = tool("unshare");
    clocks.args(["--time", "--monotonic=0", "--boottime=0", "true"]);
    ensure!(
        run(clocks, LIMIT)?.code() == Some(0),
        "no time namespace can be made: run the tests as root, on Linux 5.6 or later"
    );
    ensure!(
        program().exists(),
        "{} is missing: tests/windows/cargo build --profile windows -p cutover-agent",
        program().display()
    );
    Ok(())
}

/// A Windows of the test's own. Dropping it ends all that runs in it.
pub(super) struct Windows {
    prefix: tempfile::TempDir,
    /// The age, in seconds, of the kernel that is ours when this one's session began: Wine would tell ours for its own.
    began: Cell<u64>,
}

impl Windows {
    pub(super) fn make() -> Result<Self> {
        let windows = Self {
            prefix: tempfile::tempdir()?,
            began: Cell::new(kernel_age()?),
        };
        windows.wine(&["--make"], &[])?.succeeded()?;
        Ok(windows)
    }

    pub(super) fn wine(&self, arguments: &[&str], environment: &[(&str, &str)]) -> Result<Finished> {
        let mut command = self.command(arguments);
        command.envs(environment.iter().copied());
        run(command, LIMIT)
    }

    /// The same at the test's side, until it ends by itself or with its Windows.
    pub(super) fn start(&self, arguments: &[&str]) -> Result<Running> {
        Running::spawn(
            "a program of Windows",
            self.command(arguments),
            &self.outside("background.log"),
        )
    }

    fn command(&self, arguments: &[&str]) -> Command {
        let began = self.began.get();
        let mut command = tool("unshare");
        command
            .arg("--time")
            .args(["--monotonic", "--boottime"].map(|clock| format!("{clock}=-{began}")))
            .arg(top().join("tests/windows/wine"))
            .args(arguments)
            .env("WINEPREFIX", self.prefix.path());
        command
    }

    pub(super) fn agent(&self, arguments: &[&str]) -> Result<Finished> {
        self.wine(&[&[AGENT], arguments].concat(), &[])
    }

    /// Where a path below `C:\` lies.
    pub(super) fn outside(&self, path: &str) -> PathBuf {
        self.prefix.path().join("drive_c").join(path)
    }

    /// Windows Installer with a log, which it gives too.
    pub(super) fn msiexec(
        &self,
        verb: &str,
        package: &Path,
        more: &[&str],
        environment: &[(&str, &str)],
    ) -> Result<(Finished, String)> {
        let package = format!("Z:{}", package.display());
        let line = ["msiexec", verb, &package, "/qn", "/l*v", r"C:\install.log"];
        let log = self.outside("install.log");
        if log.exists() {
            fs::remove_file(&log)?;
        }
        let ended = self.wine(&[&line, more].concat(), environment)?;
        let bytes = fs::read(&log).unwrap_or_default();
        let utf16: Vec<u16> = bytes
            .chunks_exact(2)
            .map(|pair| u16::from_le_bytes([pair[0], pair[1]]))
            .collect();
        let text = String::from_utf8_lossy(&bytes).into_owned() + &String::from_utf16_lossy(&utf16);
        Ok((ended, text))
    }

    /// How the agent stands, by its pipe.
    pub(super) fn status(&self) -> Result<Option<Value>> {
        let asked = self.agent(&["status", "--output", "json"])?;
        if asked.code() != Some(0) {
            return Ok(None);
        }
        Ok(Some(serde_json::from_str(&asked.stdout)?))
    }

    /// Waits until the agent has checked in, and gives its name for itself.
    pub(super) fn wait_until_checked_in(&self) -> Result<String> {
        wait_for("the agent has checked in", LIMIT, || {
            let status = self.status()?;
            let status = status.filter(|status| status["session"]["last_check_in_ms"].is_i64());
            Ok(status.and_then(|status| status["host_id"].as_str().map(str::to_owned)))
        })
    }

    /// Ends the service's own process, and nothing that it started: as a fault of it would.
    pub(super) fn kill_service(&self) -> Result<()> {
        let mut killed = 0;
        for entry in fs::read_dir("/proc")? {
            let process = entry?.path();
            let read = |name: &str| fs::read(process.join(name)).unwrap_or_default();
            let (line, environment) = (read("cmdline"), read("environ"));
            let prefix = format!("WINEPREFIX={}", self.prefix.path().display());
            let is_here = environment.split(|byte| *byte == 0).any(|it| it == prefix.as_bytes());
            let words: Vec<&[u8]> = line.split(|byte| *byte == 0).filter(|word| !word.is_empty()).collect();
            let is_service = matches!(words.as_slice(), [program, argument] if program.ends_with(b"cutover-agent.exe") && *argument == b"service");
            let pid = process.file_name().and_then(|name| name.to_str()?.parse().ok());
            let pid = pid.and_then(rustix::process::Pid::from_raw);
            if let (true, true, Some(pid)) = (is_here, is_service, pid) {
                rustix::process::kill_process(pid, rustix::process::Signal::KILL)?;
                killed += 1;
            }
        }
        ensure!(killed == 1, "{killed} processes of the service");
        Ok(())
    }

    /// Cuts its power, and has the kernel count one more start.
    pub(super) fn restart(&self) -> Result<()> {
        self.wine(&["--end"], &[])?.succeeded()?;
        let hive = self.prefix.path().join("system.reg");
        let kept = fs::read_to_string(&hive)?;
        let (before, after) = (
            format!("\"BootId\"=dword:{BOOT:08x}"),
            format!("\"BootId\"=dword:{:08x}", BOOT + 1),
        );
        ensure!(kept.contains(&before), "the number of the start is not kept");
        fs::write(&hive, kept.replace(&before, &after))?;
        self.began.set(kernel_age()?);
        Ok(())
    }

    /// Makes it a server, whose disks no product of the campaign encrypts, and has it count its starts, which Wine does not.
    pub(super) fn be_a_server(&self) -> Result<()> {
        let version = r"HKLM\SOFTWARE\Microsoft\Windows NT\CurrentVersion";
        let starts = r"HKLM\SYSTEM\CurrentControlSet\Control\Session Manager\Memory Management\PrefetchParameters";
        let boot = BOOT.to_string();
        for (key, value, kind, data) in [
            (version, "InstallationType", "REG_SZ", "Server"),
            (version, "InstallDate", "REG_DWORD", "1700000000"),
            (starts, "BootId", "REG_DWORD", &boot),
        ] {
            self.wine(&["reg", "add", key, "/v", value, "/t", kind, "/d", data, "/f"], &[])?
                .succeeded()?;
        }
        Ok(())
    }

    /// Every path where programs put files, and every key and value that names the product.
    pub(super) fn traces(&self) -> Result<BTreeSet<String>> {
        let mut found = BTreeSet::new();
        let mut open = ["Program Files", "Program Files (x86)", "ProgramData"]
            .map(|it| self.outside(it))
            .to_vec();
        while let Some(path) = open.pop() {
            if path.is_dir() {
                for entry in fs::read_dir(&path)? {
                    open.push(entry?.path());
                }
            }
            found.insert(path.display().to_string());
        }
        // Whether the registry has reached its files says `--end`, which ends what still runs, too.
        self.wine(&["--end"], &[])?.succeeded()?;
        for hive in ["system.reg", "user.reg", "userdef.reg"] {
            let text = fs::read_to_string(self.prefix.path().join(hive)).unwrap_or_default();
            let lines = text.lines().filter(|line| line.to_lowercase().contains("cutover"));
            found.extend(lines.map(|line| format!("{hive}: {line}")));
        }
        Ok(found)
    }
}

/// In whole seconds.
fn kernel_age() -> Result<u64> {
    let told = fs::read_to_string("/proc/uptime")?;
    let whole = told.split('.').next().unwrap_or_default();
    whole.parse().with_context(|| format!("/proc/uptime says {told}"))
}

impl Drop for Windows {
    fn drop(&mut self) {
        // Nothing of it outlives the test.
        let _ = self.wine(&["--end"], &[]);
    }
}

/// The package of this version; the programs differ by their package alone.
pub(super) fn package(version: &str, out: &Path, environment: &[(&str, &str)]) -> Result<(PathBuf, Finished)> {
    let program = program();
    let program = program.to_str().context("a path in UTF-8")?;
    let environment = [&[("CUTOVER_WINDOWS_PROGRAM", program)], environment].concat();
    let made = release::build(&["msi"], version, out, &environment)?.succeeded()?;
    Ok((out.join(format!("cutover-agent-{version}-x64.msi")), made))
}
