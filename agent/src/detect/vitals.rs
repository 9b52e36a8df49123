//! What moves too often for an inventory, and what somebody who plans work on the machine asks first.

use cutover_proto::v1;

use super::{host_facts::free_disk_mib, power};
use crate::host::HostView;

/// As of now; what could not be told is absent. How full a battery is, and how old a product's definitions are, no threshold
/// asks for yet.
#[must_use]
pub fn vitals(view: &dyn HostView) -> v1::Vitals {
    v1::Vitals {
        free_disk_mib: free_disk_mib(view),
        on_battery: power::on_battery(view),
        ..v1::Vitals::default()
    }
}
