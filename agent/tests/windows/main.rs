//! The program on a Windows: products installed and removed by Windows Installer, and what `scan` says each time.
//! `tests/run windows` builds the packages and runs this under Wine, in a Windows made for it.
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a panic is how a test fails")]

mod collector;
mod installation;
mod looks;
mod removal;
mod users;

use std::{
    path::PathBuf,
    process::{Command, Stdio},
    sync::{Mutex, MutexGuard, PoisonError},
};

use serde_json::Value;

const PUBLISHER: &str = "LOCALPUBLISHER=АО «Лаборатория Касперского»";

/// Whose Windows it is at the moment: the tests change the same one.
static WINDOWS: Mutex<()> = Mutex::new(());

fn alone() -> MutexGuard<'static, ()> {
    WINDOWS.lock().unwrap_or_else(PoisonError::into_inner)
}

/// What `scan` said.
struct Scan {
    code: i32,
    json: Value,
}

impl Scan {
    fn made() -> Self {
        Self::with(&[])
    }

    /// With more arguments.
    fn with(more: &[&str]) -> Self {
        // Built on another system, whose root is a drive here.
        let program = format!("Z:{}", env!("CARGO_BIN_EXE_cutover-agent"));
        #[expect(clippy::disallowed_methods, reason = "the program is what is tested")]
        let output = Command::new(program)
            .args(["scan", "--format", "json"])
            .args(more)
            .stdin(Stdio::null())
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&output.stderr);
        let json = serde_json::from_slice(&output.stdout).unwrap_or_else(|error| panic!("{error}: {said}"));
        Self {
            code: output.status.code().unwrap(),
            json,
        }
    }

    /// What is said of a product; null where it is absent.
    fn of(&self, product: &str) -> &Value {
        let lines = self.json["verdicts"].as_array().unwrap();
        let line = lines.iter().find(|line| line["product"] == product);
        line.unwrap_or(&Value::Null)
    }

    fn verdict(&self, product: &str) -> &str {
        self.of(product)["verdict"].as_str().unwrap_or("absent")
    }

    /// The details of evidence of one kind and outcome.
    fn evidence(&self, product: &str, kind: &str, outcome: &str) -> Vec<String> {
        let all = self.of(product)["evidence"].as_array().cloned().unwrap_or_default();
        let meant = all.iter().filter(|it| it["kind"] == kind && it["outcome"] == outcome);
        meant.map(|it| it["detail"].as_str().unwrap().to_owned()).collect()
    }
}

/// A package of the test's own.
struct Package {
    file: PathBuf,
    is_installed: bool,
}

impl Package {
    fn install(name: &str, properties: &[&str]) -> Self {
        let mut package = Self {
            file: Self::file(name),
            is_installed: false,
        };
        assert_eq!(package.installer("/i", properties), 0, "{name}");
        package.is_installed = true;
        package
    }

    fn file(name: &str) -> PathBuf {
        let directory = std::env::var("CUTOVER_TEST_PACKAGES").expect("tests/run windows says where the packages are");
        PathBuf::from(directory).join(name)
    }

    fn remove(self) {
        self.remove_with(&[]);
    }

    fn remove_with(mut self, properties: &[&str]) {
        assert_eq!(self.installer("/x", properties), 0);
        self.is_installed = false;
    }

    /// One that the agent installed: it goes with this.
    fn installed_by_the_agent(name: &str) -> Self {
        Self {
            file: Self::file(name),
            is_installed: true,
        }
    }

    /// The agent took it away.
    fn forget(mut self) {
        self.is_installed = false;
    }

    fn installer(&self, what: &str, properties: &[&str]) -> i32 {
        // Without anything to read or write to: the installer hands that on to what it starts, and then nobody ends.
        #[expect(
            clippy::disallowed_methods,
            reason = "Windows Installer installs what the program is to find"
        )]
        let status = Command::new("msiexec")
            .arg(what)
            .arg(&self.file)
            .arg("/qn")
            .args(properties)
            .stdin(Stdio::null())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .status()
            .unwrap();
        status.code().unwrap()
    }
}

impl Drop for Package {
    fn drop(&mut self) {
        if self.is_installed {
            self.installer("/x", &[]);
        }
    }
}
