//! Looks that give way to whoever works at the machine.

#[cfg(target_os = "linux")]
use rustix::process::{getpriority_process, setpriority_process};

/// Does something on this thread with its niceness raised by so much, and puts it back. On Linux niceness belongs to a
/// thread (setpriority(2), "C library/kernel differences"), and a disk scheduler that goes by priority derives its own
/// from it (ioprio_set(2)). What the thread starts meanwhile inherits it.
#[cfg(target_os = "linux")]
pub(super) fn at<T>(nice: u8, work: impl FnOnce() -> T) -> T {
    let before = match getpriority_process(None) {
        Ok(before) if nice > 0 => before,
        Ok(_) => return work(),
        Err(error) => {
            tracing::debug!(%error, "the look is made as nice as everything else");
            return work();
        }
    };
    let set = |to: i32| {
        if let Err(error) = setpriority_process(None, to) {
            // Only root may take niceness back; then this thread, which does nothing but looks, stays nice.
            tracing::debug!(%error, to, "niceness of the look not changed");
        }
    };
    set(before + i32::from(nice));
    let done = work();
    set(before);
    done
}

/// As it is.
#[cfg(not(target_os = "linux"))]
pub(super) fn at<T>(_nice: u8, work: impl FnOnce() -> T) -> T {
    work()
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use super::*;

    #[test]
    fn a_look_is_nicer_than_its_thread_and_other_threads_are_not() {
        let before = getpriority_process(None).unwrap();
        let within = at(7, || {
            let other = std::thread::spawn(|| at(0, || ())).join();
            other.unwrap();
            getpriority_process(None).unwrap()
        });
        assert_eq!(within, (before + 7).min(19));
        let elsewhere = std::thread::spawn(|| getpriority_process(None).unwrap())
            .join()
            .unwrap();
        assert!(elsewhere >= before);
        if rustix::process::geteuid().is_root() {
            assert_eq!(getpriority_process(None).unwrap(), before);
        }
    }
}
