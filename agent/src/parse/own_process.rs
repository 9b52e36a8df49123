//! What the kernel says of a process's footprint: `/proc/PID/status` and `/proc/PID/stat` (proc(5)).

/// Ticks of processor time in a second, as the kernel counts for programs on every architecture of ours (USER_HZ).
const TICKS_PER_SECOND: u64 = 100;

/// Memory in KiB out of `status`: resident now, and the most that ever was.
#[must_use]
pub fn memory_kib(status: &str) -> Option<(u64, u64)> {
    let field = |name: &str| {
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix(name)?.strip_prefix(':'))?;
        line.trim().strip_suffix("kB")?.trim().parse().ok()
    };
    Some((field("VmRSS")?, field("VmHWM")?))
}

/// Processor time in milliseconds out of `stat`: user and system, fields 14 and 15. The name before them may hold
/// anything.
#[must_use]
pub fn cpu_ms(stat: &str) -> Option<u64> {
    let (_, rest) = stat.rsplit_once(") ")?;
    let mut fields = rest.split_ascii_whitespace().skip(11);
    let mut ticks = || fields.next()?.parse::<u64>().ok();
    let total = ticks()?.checked_add(ticks()?)?;
    Some(total.checked_mul(1000)? / TICKS_PER_SECOND)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_is_read_from_its_two_lines() {
        let status = "Name:\tcutover-agent\nVmPeak:\t  300 kB\nVmHWM:\t   9120 kB\nVmRSS:\t    8296 kB\nThreads:\t2\n";
        assert_eq!(memory_kib(status), Some((8296, 9120)));
        assert_eq!(memory_kib("Name:\tkthreadd\n"), None);
        assert_eq!(memory_kib("VmRSS:\t8296 pages\nVmHWM:\t1 kB\n"), None);
    }

    #[test]
    fn processor_time_is_counted_behind_a_name_with_brackets() {
        let stat = "7 (a) b (c) S 1 7 7 0 -1 4194304 100 0 0 0 12 30 5 6 20 0 2 0 12345 1 2 3";
        assert_eq!(cpu_ms(stat), Some(420));
        assert_eq!(cpu_ms("7 (a S"), None);
        for most in [u64::MAX, u64::MAX / 500] {
            let stat = format!("7 (a) S 1 7 7 0 -1 4194304 100 0 0 0 {most} 1 5 6");
            assert_eq!(cpu_ms(&stat), None, "{most}");
        }
        assert_eq!(cpu_ms("7 (a) S 1 2"), None);
    }
}
