//! Every page as its sample looks: who changes a page reviews what changed.

use askama::Template;

use super::{
    asset::AssetPage, asset_list::AssetsPage, host::HostPage, hosts::HostsPage, overview::OverviewPage,
    page::ProblemPage, sign_in::SignInPage,
};

#[test]
fn the_overview_is_as_kept() {
    insta::assert_snapshot!(OverviewPage::sample().render().unwrap());
}

#[test]
fn the_overview_of_a_new_campaign_says_what_to_do_first() {
    let page = OverviewPage::sample_of_a_new_campaign().render().unwrap();
    assert!(page.contains("cutover token create"), "{page}");
    insta::assert_snapshot!(page);
}

#[test]
fn the_listing_of_hosts_is_as_kept() {
    insta::assert_snapshot!(HostsPage::sample().render().unwrap());
}

#[test]
fn a_listing_without_hosts_says_so() {
    let page = HostsPage::sample_without_hosts().render().unwrap();
    assert!(
        page.contains("No host matches.") && !page.contains("Next page"),
        "{page}"
    );
}

#[test]
fn the_page_of_a_host_is_as_kept() {
    insta::assert_snapshot!(HostPage::sample().render().unwrap());
}

#[test]
fn a_host_whose_events_were_touched_says_so() {
    let page = HostPage::sample_of_a_host_not_looked_at().render().unwrap();
    for part in [
        "does NOT verify",
        "No look has arrived yet.",
        "No work order has run here.",
    ] {
        assert!(page.contains(part), "no `{part}` in {page}");
    }
}

#[test]
fn the_page_of_an_asset_is_as_kept() {
    insta::assert_snapshot!(AssetPage::sample().render().unwrap());
}

#[test]
fn the_listing_of_assets_is_as_kept() {
    insta::assert_snapshot!(AssetsPage::sample().render().unwrap());
}

#[test]
fn a_listing_without_assets_says_how_they_come() {
    let page = AssetsPage::sample_without_assets().render().unwrap();
    assert!(page.contains("cutover assets import"), "{page}");
}

#[test]
fn the_sign_in_is_as_kept() {
    insta::assert_snapshot!(SignInPage::sample().render().unwrap());
}

#[test]
fn a_problem_is_as_kept() {
    insta::assert_snapshot!(ProblemPage::sample().render().unwrap());
}
