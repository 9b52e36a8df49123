//! What ran where: which product went for which replacement, on which system, and which test showed it.
//!
//! Only what ran stands there. A recipe's grade must be the best of its cells, so that neither says more than the other.

use cutover_proto::ids::ProductId;
use serde::Deserialize;

use super::{Catalog, Platform, Proven, Recipe};

/// The table that is compiled in.
const TABLE: &str = include_str!("../../../matrix.toml");

/// What runs something: one case on one system.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Cell {
    /// What went, all of it in one run.
    pub products: Vec<ProductId>,
    /// Where.
    pub system: Platform,
    /// What took its place; `None` where a removal ran by itself.
    #[serde(default)]
    pub replacement: Option<ProductId>,
    /// Whether the tests' own took its place, which no recipe of ours brings: then there is no `replacement`.
    #[serde(default)]
    pub stand_in: bool,
    /// What was tried, in words.
    pub case: String,
    /// On what it ran.
    pub ran: Proven,
    /// `FILE::FUNCTION` of the test; for `field` whose machines, when and how many.
    pub shown_by: String,
}

/// Every cell.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Matrix {
    /// In the order of the file.
    pub cells: Vec<Cell>,
}

/// Why a matrix is refused.
#[derive(Debug, thiserror::Error)]
pub enum MatrixError {
    /// Not TOML of this format. The text names line and key.
    #[error("matrix.toml: {0}")]
    Syntax(Box<toml::de::Error>),
    /// Well formed, but says what cannot be so.
    #[error("matrix.toml: {0}")]
    Invalid(String),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Table {
    schema: u32,
    #[serde(default, rename = "cell")]
    cells: Vec<Cell>,
}

impl Matrix {
    /// The compiled-in table.
    ///
    /// # Errors
    /// When it does not fit the catalog; a test keeps it so.
    pub fn built_in(catalog: &Catalog) -> Result<Self, MatrixError> {
        Self::parse(TABLE, catalog)
    }

    /// Reads a table and holds it against the recipes.
    ///
    /// # Errors
    /// When the text is not of this format, a cell names what no recipe does, or a recipe's grade is not the best of its cells.
    pub fn parse(text: &str, catalog: &Catalog) -> Result<Self, MatrixError> {
        let table: Table = toml::from_str(text).map_err(|error| MatrixError::Syntax(Box::new(error)))?;
        if table.schema != 1 {
            let why = format!("schema {} is not known here; this version reads schema 1", table.schema);
            return Err(MatrixError::Invalid(why));
        }
        let matrix = Self { cells: table.cells };
        for cell in &matrix.cells {
            cell.check(catalog)
                .map_err(|why| MatrixError::Invalid(format!("cell `{}` on {}: {why}", cell.case, cell.system)))?;
        }
        for recipe in catalog.recipes.values() {
            matrix.check_grades(recipe).map_err(MatrixError::Invalid)?;
        }
        Ok(matrix)
    }

    /// What a product's recipe did on a system, the best grade that any cell has.
    #[must_use]
    pub fn best(&self, product: &ProductId, system: Platform) -> Option<Proven> {
        let of_it = |cell: &&Cell| cell.system == system && cell.names(product);
        self.cells.iter().filter(of_it).map(|cell| cell.ran).min()
    }

    fn check_grades(&self, recipe: &Recipe) -> Result<(), String> {
        let product = &recipe.product;
        for (system, grade) in &recipe.proven {
            let best = self.best(product, *system);
            if best != Some(*grade) {
                let ran = best.map_or_else(|| "no cell".to_owned(), |best| format!("`{best}` as the best cell"));
                return Err(format!(
                    "the recipe of `{product}` says {system} = \"{grade}\", and the matrix has {ran} for it there; write the cell \
                     that ran, or correct the grade"
                ));
            }
        }
        Ok(())
    }
}

impl Cell {
    fn names(&self, product: &ProductId) -> bool {
        self.replacement.as_ref() == Some(product) || self.products.contains(product)
    }

    fn check(&self, catalog: &Catalog) -> Result<(), String> {
        if self.products.is_empty() {
            return Err("`products` is empty; name what went".to_owned());
        }
        if self.case.trim().is_empty() || self.shown_by.trim().is_empty() {
            return Err("`case` and `shown_by` say what was tried and what shows it".to_owned());
        }
        let works = |product: &ProductId| {
            let recipe = catalog.recipes.get(product);
            recipe.is_some_and(|recipe| recipe.platforms().contains(&self.system))
        };
        let gone = |product: &&ProductId| catalog.removal(product).is_none() || !works(product);
        if let Some(product) = self.products.iter().find(gone) {
            return Err(format!(
                "no recipe removes `{product}` there, so nothing of it can have run"
            ));
        }
        let installs = |product: &ProductId| catalog.installation(product).is_some() && works(product);
        match &self.replacement {
            Some(product) if !installs(product) => Err(format!(
                "no recipe installs `{product}` there, so nothing of it can have run"
            )),
            Some(_) if self.stand_in => {
                Err("`replacement` and `stand_in`: one thing took the place; leave one of them out".to_owned())
            }
            // What goes goes for something, wherever anything can be installed.
            None if !self.stand_in && catalog.recipes.keys().any(installs) => Err(
                "`replacement` is missing; recipes install there, so name what took the place, or write stand_in = true where \
                 it was the tests' own"
                    .to_owned(),
            ),
            Some(_) | None => Ok(()),
        }
    }
}
