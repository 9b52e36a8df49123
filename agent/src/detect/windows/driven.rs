//! Services and drivers.

use cutover_proto::{rule::Driven, verdict::Showing};

use super::{WindowsGround, any};
use crate::{
    detect::{ends::seen, trail::End},
    facts::{Answer, ServiceState, WindowsService},
};

/// Whether something of a fitting name is the product's.
enum Belongs {
    Yes,
    No,
    /// Nobody can tell.
    Perhaps(String),
}

impl WindowsGround<'_> {
    pub(super) fn services_like(&self, driven: &Driven, shows: Showing) -> Vec<End> {
        let is_running = |service: &WindowsService| service.state == Some(ServiceState::Running);
        // A look for what runs sees nothing in a service that does not.
        let is_told = |service: &WindowsService| shows != Showing::Running || is_running(service);
        self.driven(driven, false, is_told, |service| {
            let name = &service.name;
            if is_running(service) {
                let shows = if shows == Showing::Installed {
                    Showing::Running
                } else {
                    shows
                };
                return seen(shows, format!("service {name} (running)"));
            }
            if self.is_gone(&service.image) {
                return seen(Showing::Remnant, format!("service {name} (its program is gone)"));
            }
            match service.state {
                Some(state) => seen(shows, format!("service {name} ({state})")),
                None => seen(shows, format!("service {name}")),
            }
        })
    }

    pub(super) fn drivers_like(&self, driven: &Driven, shows: Showing) -> Vec<End> {
        self.driven(
            driven,
            true,
            |_| true,
            |driver| {
                let name = &driver.name;
                match driver.state {
                    Some(ServiceState::Running) => seen(shows, format!("driver {name} (loaded)")),
                    _ if self.is_gone(&driver.image) => {
                        seen(Showing::Remnant, format!("driver {name} (its file is gone)"))
                    }
                    Some(ServiceState::Stopped) | None => seen(shows, format!("driver {name}")),
                }
            },
        )
    }

    fn driven(
        &self,
        driven: &Driven,
        is_driver: bool,
        is_told: impl Fn(&WindowsService) -> bool,
        told: impl Fn(&WindowsService) -> End,
    ) -> Vec<End> {
        let services = match self.services() {
            Answer::Found(services) => services,
            Answer::Absent | Answer::Unsupported => {
                return vec![End::NotChecked("Windows does not tell its services".into())];
            }
            Answer::Denied(why) | Answer::Failed(why) => return vec![End::NotChecked(why.clone())],
        };
        let mut ends = Vec::new();
        for service in services.iter().filter(|it| it.is_driver == is_driver) {
            let is_named = driven.names.is_empty() || any(&driven.names, &service.name);
            if !is_named || any(&driven.except, &service.name) || !is_told(service) {
                continue;
            }
            match self.belongs(driven, service) {
                Belongs::Yes => ends.push(told(service)),
                Belongs::No => {}
                Belongs::Perhaps(why) => ends.push(End::NotChecked(format!(
                    "whose {} is cannot be told: {why}",
                    service.name
                ))),
            }
        }
        ends
    }

    fn belongs(&self, driven: &Driven, service: &WindowsService) -> Belongs {
        if driven.images.is_empty() && driven.signers.is_empty() {
            return Belongs::Yes;
        }
        let image = service.image.trim();
        if image.is_empty() {
            // Windows finds a driver without a path by its name; a service without one cannot start.
            return if driven.names.is_empty() {
                Belongs::No
            } else {
                Belongs::Yes
            };
        }
        let file = self.image_file(image);
        let is_image = |text: &str| any(&driven.images, text);
        if is_image(image) || file.as_ref().found().is_some_and(|file| is_image(file)) {
            return Belongs::Yes;
        }
        let file = match file {
            Answer::Found(file) => file,
            Answer::Absent | Answer::Unsupported => return Belongs::No,
            Answer::Denied(why) | Answer::Failed(why) => return Belongs::Perhaps(why),
        };
        if driven.signers.is_empty() {
            return Belongs::No;
        }
        match self.identity(&file) {
            Answer::Found(identity) => match identity.signer {
                Answer::Found(signer) if any(&driven.signers, &signer) => Belongs::Yes,
                Answer::Found(_) | Answer::Absent | Answer::Unsupported => Belongs::No,
                Answer::Denied(why) | Answer::Failed(why) => Belongs::Perhaps(why),
            },
            // With its file gone, whose it was nobody can tell; its name is the product's own.
            Answer::Absent | Answer::Unsupported => Belongs::Yes,
            Answer::Denied(why) | Answer::Failed(why) => Belongs::Perhaps(why),
        }
    }
}
