//! Makes fixtures of Windows and macOS by hand, for tests.

use cutover_proto::{inventory::OsFamily, rule::KnownFolder};

use super::{Fixture, HostPath};
use crate::facts::{
    Answer, BitLockerVolume, DefenderStatus, EntryKind, ExtensionUse, FileIdentity, Question, RegistryKey,
    RegistryValue, Reply, RootSubject, SecurityProduct, ServiceState, Tool, UninstallEntries, UninstallEntry,
    UninstallPlace, WindowsService,
};

impl Fixture {
    /// A Windows of 64 bits with its folders, its own services, and nothing installed. Security Center is there, as on
    /// clients.
    #[must_use]
    pub fn windows(about: &str) -> Self {
        let folders = [
            (KnownFolder::ProgramFiles, r"C:\Program Files"),
            (KnownFolder::ProgramFilesX86, r"C:\Program Files (x86)"),
            (KnownFolder::ProgramData, r"C:\ProgramData"),
            (KnownFolder::SystemRoot, r"C:\Windows"),
        ];
        let mut host = Self::bare(OsFamily::Windows, about);
        for (folder, path) in folders {
            host = host
                .with_reply(&Question::Folder(folder), Reply::Folder(path.to_owned()))
                .with_directory(HostPath::windows(path).as_str());
        }
        for place in UninstallPlace::ALL {
            host = host.with_reply(
                &Question::Uninstall(*place),
                Reply::Uninstall(UninstallEntries::default()),
            );
        }
        let system = BitLockerVolume {
            drive: "C:".to_owned(),
            conversion: 0,
            protection: 0,
        };
        host.with_reply(&Question::BitLocker, Reply::BitLocker(vec![system]))
            .with_reply(&Question::Battery, Reply::Battery(false))
            .with_reply(&Question::OnBattery, Reply::OnBattery(false))
            .with_reply(&Question::SessionAge, Reply::SessionAge(86_400))
            .with_reply(&Question::DomainJoin, Reply::DomainJoin(false))
            .with_reply(&Question::SecurityCenter, Reply::SecurityCenter(Vec::new()))
            .with_reply(&Question::Services, Reply::Services(Vec::new()))
            .with_reply(
                &Question::Tasks,
                Reply::Tasks(vec![r"\Microsoft\Windows\Defrag\ScheduledDefrag".into()]),
            )
            .with_reply(
                &Question::RootSubjects,
                Reply::RootSubjects(vec![RootSubject {
                    common_name: "Microsoft Root Certificate Authority 2011".into(),
                    organization: "Microsoft Corporation".into(),
                }]),
            )
            .with_service(
                "EventLog",
                r"%SystemRoot%\System32\svchost.exe -k LocalServiceNetworkRestricted",
                true,
            )
            .with_driver("Ntfs", r"System32\Drivers\Ntfs.sys", true)
            .with_process(4, "System", None)
    }

    /// A macOS with Apple's own receipts, no applications of others, and no system extension.
    #[must_use]
    pub fn macos(about: &str) -> Self {
        Self::bare(OsFamily::Macos, about)
            .with_tool(
                Tool::Receipts,
                "com.apple.pkg.CLTools_Executables\ncom.apple.files.data-template\n",
                "",
            )
            .with_tool(Tool::SystemExtensions, "0 extension(s)\n", "")
            .with_tool(Tool::SystemKeychain, "", "")
            .with_directory("/Applications/Safari.app")
            .with_process(1, "launchd", Some("/sbin/launchd"))
    }

    /// Plants the reply to a question.
    #[must_use]
    pub fn with_reply(mut self, question: &Question, reply: Reply) -> Self {
        self.replies.insert(question.to_string(), Answer::Found(reply));
        self
    }

    /// Plants a question that is not answered as it should be.
    #[must_use]
    pub fn with_no_reply(mut self, question: &Question, answer: Answer<()>) -> Self {
        let answer = match answer {
            Answer::Found(()) | Answer::Absent => Answer::Absent,
            Answer::Unsupported => Answer::Unsupported,
            Answer::Denied(why) => Answer::Denied(why),
            Answer::Failed(why) => Answer::Failed(why),
        };
        self.replies.insert(question.to_string(), answer);
        self
    }

    /// Plants an uninstall entry; its key is made of its name. What it lists in `location` is not made.
    #[must_use]
    pub fn with_uninstall(
        self,
        place: UninstallPlace,
        name: &str,
        publisher: &str,
        version: &str,
        location: &str,
    ) -> Self {
        let entry = UninstallEntry {
            key: format!("{{{name}}}"),
            name: name.to_owned(),
            publisher: publisher.to_owned(),
            version: version.to_owned(),
            location: location.to_owned(),
            is_msi: true,
            installed: String::new(),
            source: String::new(),
        };
        self.with_entry(place, entry)
    }

    /// Plants an uninstall entry as it is given.
    #[must_use]
    pub fn with_entry(self, place: UninstallPlace, entry: UninstallEntry) -> Self {
        self.change(&Question::Uninstall(place), |reply| {
            if let Reply::Uninstall(found) = reply {
                found.entries.push(entry);
            }
        })
    }

    /// Says when the uninstall entry of this name was made or last changed, as Windows Installer keeps it.
    #[must_use]
    pub fn with_install_date(self, place: UninstallPlace, name: &str, date: &str) -> Self {
        self.change(&Question::Uninstall(place), |reply| {
            if let Reply::Uninstall(found) = reply {
                let named = found.entries.iter_mut().filter(|entry| entry.name == name);
                named.for_each(|entry| date.clone_into(&mut entry.installed));
            }
        })
    }

    /// Says where the package of the uninstall entry of this name lay when it was installed.
    #[must_use]
    pub fn with_install_source(self, place: UninstallPlace, name: &str, source: &str) -> Self {
        self.change(&Question::Uninstall(place), |reply| {
            if let Reply::Uninstall(found) = reply {
                let named = found.entries.iter_mut().filter(|entry| entry.name == name);
                named.for_each(|entry| source.clone_into(&mut entry.source));
            }
        })
    }

    /// Plants a service.
    #[must_use]
    pub fn with_service(self, name: &str, image: &str, is_running: bool) -> Self {
        self.with_driven(name, image, is_running, false)
    }

    /// Plants a driver.
    #[must_use]
    pub fn with_driver(self, name: &str, image: &str, is_loaded: bool) -> Self {
        self.with_driven(name, image, is_loaded, true)
    }

    fn with_driven(self, name: &str, image: &str, is_running: bool, is_driver: bool) -> Self {
        let state = if is_running {
            ServiceState::Running
        } else {
            ServiceState::Stopped
        };
        let service = WindowsService {
            name: name.to_owned(),
            is_driver,
            image: image.to_owned(),
            state: Some(state),
        };
        self.change(&Question::Services, |reply| {
            if let Reply::Services(services) = reply {
                services.push(service);
            }
        })
    }

    /// Plants an entry in Security Center.
    #[must_use]
    pub fn with_security_product(self, name: &str, state: u32) -> Self {
        let product = SecurityProduct {
            name: name.to_owned(),
            state,
        };
        self.change(&Question::SecurityCenter, |reply| {
            if let Reply::SecurityCenter(products) = reply {
                products.push(product);
            }
        })
    }

    /// Plants a file or folder by its path as Windows spells it, with every folder above it.
    #[must_use]
    pub fn with_windows_path(mut self, path: &str, kind: EntryKind) -> Self {
        let path = HostPath::windows(path);
        let parts: Vec<&str> = path.parts().collect();
        for depth in 2..parts.len() {
            let above = parts.get(..depth).unwrap_or_default().join("/");
            self = self.with_directory(&above);
        }
        match kind {
            EntryKind::Directory => self.with_directory(path.as_str()),
            EntryKind::File | EntryKind::Link | EntryKind::Other => self.with_file(path.as_str(), b"x", 0),
        }
    }

    /// Plants a file with its signer (`None`: unsigned).
    #[must_use]
    pub fn with_signed_file(self, path: &str, version: &str, signer: Option<&str>) -> Self {
        let identity = FileIdentity {
            version: Answer::Found(version.to_owned()),
            signer: signer.map_or(Answer::Absent, |signer| Answer::Found(signer.to_owned())),
        };
        self.with_windows_path(path, EntryKind::File)
            .with_reply(&Question::Identity(path.to_owned()), Reply::Identity(identity))
    }

    /// Plants a trusted root certificate.
    #[must_use]
    pub fn with_root(self, common_name: &str, organization: &str) -> Self {
        let root = RootSubject {
            common_name: common_name.to_owned(),
            organization: organization.to_owned(),
        };
        self.change(&Question::RootSubjects, |reply| {
            if let Reply::RootSubjects(roots) = reply {
                roots.push(root);
            }
        })
    }

    /// Plants a browser extension in one profile.
    #[must_use]
    pub fn with_browser_extension(self, id: &str) -> Self {
        self.with_reply(
            &Question::BrowserExtension(id.to_owned()),
            Reply::BrowserExtension(ExtensionUse {
                profiles: 1,
                unread: Vec::new(),
            }),
        )
    }

    /// Plants a key in the 64-bit view, with its values.
    #[must_use]
    pub fn with_registry(self, key: &str, values: &[(&str, RegistryValue)]) -> Self {
        let question = Question::Registry {
            is_32: false,
            key: key.to_owned(),
            values: values.iter().map(|(name, _)| (*name).to_owned()).collect(),
        };
        let values = values.iter().map(|(name, value)| ((*name).to_owned(), value.clone()));
        self.with_reply(
            &question,
            Reply::Registry(RegistryKey {
                values: values.collect(),
            }),
        )
    }

    /// Plants Microsoft Defender Antivirus: its service, and what it says of itself.
    #[must_use]
    pub fn with_defender(self, running_mode: &str, is_real_time: bool, signature_age_days: u32) -> Self {
        let program = r"C:\ProgramData\Microsoft\Windows Defender\Platform\4.18\MsMpEng.exe";
        self.with_service("WinDefend", &format!("\"{program}\""), true)
            .with_windows_path(program, EntryKind::File)
            .with_reply(
                &Question::DefenderStatus,
                Reply::DefenderStatus(DefenderStatus {
                    running_mode: running_mode.to_owned(),
                    service_enabled: true,
                    antivirus_enabled: true,
                    real_time_enabled: is_real_time,
                    signature_age_days,
                }),
            )
    }

    /// Plants a receipt of macOS's installer.
    #[must_use]
    pub fn with_receipt(mut self, id: &str) -> Self {
        let said = match self.tools.remove(Tool::Receipts.as_str()) {
            Some(Answer::Found(said)) => said.output().found(),
            Some(Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) | None => None,
        };
        let before = said.map(|said| String::from_utf8_lossy(&said.stdout).into_owned());
        self.with_tool(Tool::Receipts, &format!("{}{id}\n", before.unwrap_or_default()), "")
    }

    /// Plants the system extensions of macOS: team, bundle id and version, state.
    #[must_use]
    pub fn with_system_extensions(self, extensions: &[(&str, &str, &str)]) -> Self {
        let mut listed = format!("{} extension(s)\n", extensions.len());
        listed.push_str("--- com.apple.system_extension.endpoint_security\n");
        listed.push_str("enabled\tactive\tteamID\tbundleID (version)\tname\t[state]\n");
        for (team, bundle, state) in extensions {
            listed.extend(["*\t*\t", team, "\t", bundle, "\tName\t[", state, "]\n"]);
        }
        self.with_tool(Tool::SystemExtensions, &listed, "")
    }

    fn change(mut self, question: &Question, change: impl FnOnce(&mut Reply)) -> Self {
        if let Some(Answer::Found(reply)) = self.replies.get_mut(&question.to_string()) {
            change(reply);
        }
        self
    }
}
