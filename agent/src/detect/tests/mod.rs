mod collected;
mod honesty;
mod host_facts;
#[cfg(unix)]
mod image_plants;
#[cfg(unix)]
mod images;
#[cfg(unix)]
mod live_mac;
mod macos_plants;
mod matrix;
mod pending_restart;
mod placed;
mod plants;
mod roles;
mod roots;
mod rules;
mod service_plants;
mod services;
mod traces;
mod upkeep;
mod vendor_names;
mod windows_families;
mod windows_packages;
mod windows_plants;
