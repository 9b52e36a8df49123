use super::*;

const REMOVAL: &str = "Dependencies resolved.\n\
================================================================================\n \
Package           Arch         Version            Repository             Size\n\
================================================================================\n\
Removing:\n kesl              noarch       12.1.0-1           @System                10 \n\
Removing dependent packages:\n kesl-with-a-name-that-is-so-long-that-the-line-is-broken\n                   noarch       12.1.0-1           @System                20 \n\
\nTransaction Summary\n\
================================================================================\n\
Remove  2 Packages\n\nFreed space: 30  \nOperation aborted.\n";

#[test]
fn a_plan_is_read_for_all_that_it_would_touch() {
    assert_eq!(
        touched(REMOVAL),
        ["kesl", "kesl-with-a-name-that-is-so-long-that-the-line-is-broken"]
    );
    assert!(touched("Error: Unable to find a match: kesl\n").is_empty());
}

#[test]
fn an_installation_that_would_replace_or_remove_says_so() {
    let plan = "Dependencies resolved.\n Package  Architecture  Version  Repository  Size\nInstalling:\n clamav  x86_64  1.4.1-1  updates  2.1 M\n     \
                replacing  clamav-lib.x86_64 1.0-1\nInstalling dependencies:\n clamav-filesystem noarch 1.4.1-1 updates 10 k\n\
                Removing dependent packages:\n other  x86_64 1-1 @System 5\n\nTransaction Summary\n";
    assert_eq!(would_go(plan), ["other", "clamav-lib.x86_64"]);
    let plain = " Package  Architecture  Version  Repository  Size\nInstalling:\n clamav  x86_64  1.4.1-1  updates  2.1 M\n\nTransaction Summary\n";
    assert!(would_go(plain).is_empty());
}

/// dnf 5 words its summary as a heading with rows, and shows downloads before the table.
#[test]
fn what_stands_around_the_table_is_no_package() {
    let plan = "Updating and loading repositories:\n Fedora 41 - x86_64          100% |  12.0 KiB/s |  9.0 KiB |  00m01s\n\
                Repositories loaded.\nPackage   Arch   Version     Repository      Size\nRemoving:\n kesl     x86_64 \
                12.1.0-1297 <unknown>   44.9 KiB\n\nTransaction Summary:\n Removing:         1 package\n\n\
                After this operation, 45 KiB will be freed.\n";
    assert_eq!(touched(plan), ["kesl"]);
    let downgraded = plan.replace(
        "Removing:\n kesl",
        "Installing:\n a  x86_64 1-1 base 1 M\n   replacing kesl",
    );
    assert_eq!(would_go(&downgraded), ["kesl"]);
}
