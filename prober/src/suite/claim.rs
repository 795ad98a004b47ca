//! What a machine's cards are said to be, as people and drivers write it: a model of the catalogue and how many of it.
use gpux_kernels::catalogue::{self, Model};
use std::str::FromStr;

/// Models that are named when there is none of the name that was given.
const NEAREST_MAX: usize = 3;
/// A shorter piece of a name names too much.
const PIECE_CHARACTERS_MIN: usize = 3;

/// A claimed model.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Claim {
    /// The model.
    pub model: &'static Model,
    /// How many cards; none means all that there are.
    pub count: Option<u32>,
}

/// No model, or more than one, has that name.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// No model of the catalogue is called so.
    #[error("the catalogue has no model {name:?}; the nearest are {}", .nearest.join(", "))]
    Unknown {
        /// What was given.
        name: String,
        /// Names that look like it, best first.
        nearest: Vec<&'static str>,
    },
    /// The number of cards is none.
    #[error("{0:?} is no number of cards, 1 to 64")]
    Count(String),
}

impl FromStr for Claim {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self, Error> {
        let counted = text.split_once(" x ").filter(|(count, _)| count.chars().all(|c| c.is_ascii_digit()));
        let Some((count, name)) = counted else { return Ok(Self { model: find(text)?, count: None }) };
        let number = count.parse().ok().filter(|count| (1..=64).contains(count));
        Ok(Self { model: find(name)?, count: Some(number.ok_or_else(|| Error::Count(count.into()))?) })
    }
}

/// Finds a model by its name; case, spaces, hyphens and the vendor's name do not matter, and what comes before the end of
/// the name may be left out where one model alone ends so: "rtx 3090", "NVIDIA A100-SXM4-80GB".
pub fn find(name: &str) -> Result<&'static Model, Error> {
    let asked = plain(name);
    let models = || catalogue::models().iter();
    if let Some(model) = models().find(|model| plain(&model.name) == asked) {
        return Ok(model);
    }
    let mut ending = models().filter(|model| plain(&model.name).ends_with(&asked));
    match (ending.next(), ending.next()) {
        (Some(model), None) if asked.len() >= PIECE_CHARACTERS_MIN => Ok(model),
        _ => Err(Error::Unknown { name: name.chars().take(64).collect(), nearest: nearest(&asked) }),
    }
}

/// Letters and digits in lower case, without the vendor's name.
fn plain(name: &str) -> String {
    let letters: String = name.chars().filter(char::is_ascii_alphanumeric).collect();
    let lower = letters.to_ascii_lowercase();
    lower.strip_prefix("nvidia").unwrap_or(&lower).to_owned()
}

fn nearest(asked: &str) -> Vec<&'static str> {
    let likeness = |model: &Model| {
        let name = plain(&model.name);
        // Most people leave the family's name out.
        let short = name.strip_prefix("geforce").or(name.strip_prefix("tesla")).unwrap_or(&name);
        let alike = strsim::normalized_damerau_levenshtein(asked, &name)
            .max(strsim::normalized_damerau_levenshtein(asked, short));
        // Models that are called so and more come before those that are called otherwise.
        alike + f64::from(u8::from(asked.len() >= PIECE_CHARACTERS_MIN && name.contains(asked)))
    };
    let mut models: Vec<_> = catalogue::models().iter().map(|model| (likeness(model), &*model.name)).collect();
    models.sort_by(|one, other| other.0.total_cmp(&one.0));
    models.into_iter().take(NEAREST_MAX).map(|(_, name)| name).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_found_as_people_and_drivers_write_them() {
        for (text, name) in [
            ("GeForce RTX 3090", "GeForce RTX 3090"),
            ("NVIDIA GeForce RTX 3090", "GeForce RTX 3090"),
            ("rtx 3090", "GeForce RTX 3090"),
            ("NVIDIA A100-SXM4-80GB", "A100 SXM4 80 GB"),
            ("rtx 3060 12gb", "GeForce RTX 3060 12 GB"),
            ("L4", "L4"),
        ] {
            assert_eq!(find(text).unwrap().name, name, "{text}");
        }
    }

    #[test]
    fn an_unknown_or_ambiguous_name_is_answered_with_the_nearest() {
        let error = find("RTX 3091").unwrap_err().to_string();
        assert!(
            error.starts_with("the catalogue has no model \"RTX 3091\"; the nearest are GeForce RTX 3090, "),
            "{error}"
        );
        let Err(Error::Unknown { nearest, .. }) = find("rtx 3060") else { panic!("found") };
        assert_eq!(nearest[..2], ["GeForce RTX 3060 Ti", "GeForce RTX 3060 12 GB"]);
        for none in ["", "0", "90", "x"] {
            assert!(find(none).is_err(), "{none}");
        }
    }

    #[test]
    fn a_number_of_cards_may_stand_before() {
        let count = |text: &str| text.parse::<Claim>().map(|claim| claim.count);
        assert_eq!(count("2 x GeForce RTX 3090"), Ok(Some(2)));
        assert_eq!(count("GeForce RTX 3090"), Ok(None));
        assert_eq!(count("0 x GeForce RTX 3090"), Err(Error::Count("0".into())));
        assert_eq!(count("65 x L4"), Err(Error::Count("65".into())));
        assert!(count("two x L4").is_err());
    }
}
