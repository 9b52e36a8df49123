//! What ran where, held against what recipes say.

use super::*;

const CELL: &str = r#"
schema = 1
[[cell]]
products = ["kesl"]
system = "linux-apt"
replacement = "clamav"
case = "the whole way"
ran = "chroot"
shown_by = "tests/a.rs::it_goes"
"#;

/// Of both products of [`CELL`], on its system alone.
fn two_recipes(grade: Proven) -> Catalog {
    let mut catalog = catalog();
    catalog
        .recipes
        .retain(|product, _| matches!(product.as_str(), "kesl" | "clamav"));
    for recipe in catalog.recipes.values_mut() {
        recipe.proven = [(Platform::LinuxApt, grade)].into();
    }
    catalog
}

fn refused(text: &str, catalog: &Catalog) -> String {
    Matrix::parse(text, catalog).unwrap_err().to_string()
}

#[test]
fn the_built_in_matrix_fits_the_recipes() {
    let catalog = catalog();
    let matrix = Matrix::built_in(&catalog).unwrap();
    assert_eq!(matrix.best(&"kesl".into(), Platform::LinuxApt), Some(Proven::Machine));
    assert_eq!(matrix.best(&"kesl".into(), Platform::LinuxDnf), Some(Proven::Chroot));
    assert_eq!(matrix.best(&"clamav-daemon".into(), Platform::LinuxDnf), None);
    assert_eq!(matrix.best(&"kes-windows".into(), Platform::LinuxApt), None);
    assert_eq!(
        matrix.best(&"kes-windows".into(), Platform::Windows),
        Some(Proven::Wine)
    );
    let grade = matrix.best(&"defender-antivirus".into(), Platform::Windows);
    assert_eq!(grade, Some(Proven::Fixture), "the tests' own took the place under Wine");
    assert_eq!(
        matrix.best(&"kaspersky-vpn".into(), Platform::Windows),
        Some(Proven::Fixture)
    );
}

#[test]
fn a_recipe_whose_grade_is_better_or_worse_than_what_ran_is_refused() {
    assert!(Matrix::parse(CELL, &two_recipes(Proven::Chroot)).is_ok());
    for grade in [Proven::Field, Proven::Machine, Proven::Fixture] {
        let said = refused(CELL, &two_recipes(grade));
        assert!(
            said.contains("`chroot` as the best cell") && said.contains("correct the grade"),
            "{said}"
        );
    }
    let said = refused("schema = 1\n", &two_recipes(Proven::Fixture));
    assert!(said.contains("no cell for it"), "{said}");
    // The best of several cells counts, whichever comes first.
    let second = CELL.replace("schema = 1", "").replace("\"chroot\"", "\"machine\"");
    assert!(Matrix::parse(&format!("{CELL}{second}"), &two_recipes(Proven::Machine)).is_ok());
}

#[test]
fn a_cell_of_what_no_recipe_does_there_cannot_have_run() {
    let catalog = two_recipes(Proven::Chroot);
    for (from, to, said) in [
        ("[\"kesl\"]", "[\"kea\"]", "no recipe removes `kea` there"),
        ("[\"kesl\"]", "[\"clamav\"]", "no recipe removes `clamav` there"),
        ("\"clamav\"", "\"sophos\"", "no recipe installs `sophos` there"),
        ("[\"kesl\"]", "[]", "`products` is empty"),
        ("the whole way", " ", "say what was tried"),
        ("tests/a.rs::it_goes", "", "what shows it"),
        ("replacement = \"clamav\"\n", "", "name what took the place"),
        (
            "\"clamav\"\n",
            "\"clamav\"\nstand_in = true\n",
            "one thing took the place",
        ),
        ("schema = 1", "schema = 2", "schema 2"),
        ("linux-apt", "plan9", "linux-apt, linux-dnf"),
        ("ran =", "run =", "run"),
    ] {
        assert!(CELL.contains(from));
        let refusal = refused(&CELL.replace(from, to), &catalog);
        assert!(
            refusal.starts_with("matrix.toml: ") && refusal.contains(said),
            "{refusal}"
        );
    }
}
