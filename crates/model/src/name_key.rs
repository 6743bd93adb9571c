//! Keys of jobs that their source knows by name: a stable number, where other clients send a number of their own.
//!
//! The number takes the place of a client's own number (`job_id`), so lists, graphs, files and retries need no second
//! kind of job. The name is kept beside it. Not [`JobKey`](crate::JobKey), which is the row of one attempt.

use crate::Invalid;
use serde::Serialize;
use sha2::{Digest, Sha256};
use std::{collections::HashMap, fmt};

/// Bits of a key: JSON clients that read numbers as doubles keep whole numbers up to 2⁵³ - 1.
const BITS: u32 = 53;
/// The longest name in letters; `job_executions_name_length` checks the same bound.
pub const MOST_LETTERS: usize = 2_000;
/// How many keys a name has: as many as 53 bits fit into 256.
pub const KEYS: usize = 4;

/// The key of a named job: 1 to 2⁵³ - 1.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(transparent)]
pub struct NameKey(i64);

impl NameKey {
    /// The keys of a name in the order in which they are tried; [`Held::give`] says which of them a job has.
    ///
    /// They are the first, second, third and fourth 53 bits, most significant bit first, of the SHA-256 of the name in
    /// UTF-8. In place of 0, which some clients take for "no number", stands 1. The same name has the same keys on
    /// every machine and in every version: changing this function loses track of stored jobs.
    ///
    /// # Errors
    /// The name is empty, has more than [`MOST_LETTERS`] letters, or contains U+0000, which PostgreSQL cannot store.
    pub fn of(name: &str) -> Result<[Self; KEYS], Invalid> {
        let rule = "1 to 2000 letters without U+0000";
        if name.is_empty() || name.contains('\0') {
            return Err(Invalid::new("job name", name.escape_default().to_string(), rule));
        }
        if name.chars().nth(MOST_LETTERS).is_some() {
            return Err(Invalid::new("job name", "a longer text", rule));
        }
        Ok(of_digest(Sha256::digest(name.as_bytes()).into()))
    }

    /// The key that a stored job number is, whoever gave the number.
    pub const fn of_number(number: i64) -> Self {
        Self(number)
    }

    pub const fn number(self) -> i64 {
        self.0
    }
}

/// Which keys the jobs of one run have, as far as they matter for the names at hand.
#[derive(Clone, Debug, Default)]
pub struct Held(HashMap<NameKey, Option<String>>);

impl Held {
    /// Notes that a job has a key; `None` for a job whose number was given by its client and that has no name.
    pub fn note(&mut self, key: NameKey, name: Option<String>) {
        self.0.insert(key, name);
    }

    /// Gives a name its key. `keys` are those of the name.
    ///
    /// A name keeps the key that it has. A new name gets the first of its keys that no other job has, so two names whose
    /// first keys are equal are two jobs all the same: the one that comes second moves on to its second key.
    ///
    /// # Errors
    /// Other jobs have all keys of this name; the caller refuses the job. In a run of a million names the chance is
    /// below one in 10³⁰.
    pub fn give(&mut self, name: &str, keys: [NameKey; KEYS]) -> Result<NameKey, Invalid> {
        let has = keys.into_iter().find(|key| self.0.get(key).is_some_and(|holder| holder.as_deref() == Some(name)));
        let key = has.or_else(|| keys.into_iter().find(|key| !self.0.contains_key(key)));
        let key = key.ok_or_else(|| Invalid::new("job name", name, "a name whose key no other job of the run has"))?;
        self.note(key, Some(name.to_owned()));
        Ok(key)
    }
}

impl fmt::Display for NameKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(f)
    }
}

fn of_digest(digest: [u8; 32]) -> [NameKey; KEYS] {
    std::array::from_fn(|nth| {
        let mut key: i64 = 0;
        for bit in (nth as u32 * BITS)..((nth as u32 + 1) * BITS) {
            key = key << 1 | i64::from(digest[(bit / 8) as usize] >> (7 - bit % 8) & 1);
        }
        NameKey(key.max(1))
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const MOST: i64 = (1 << 53) - 1;

    fn numbers(name: &str) -> [i64; KEYS] {
        NameKey::of(name).expect("a name").map(NameKey::number)
    }

    /// Computed with Python: `int.from_bytes(hashlib.sha256(name.encode()).digest()) >> (256 - 53 * nth) & (1 << 53) - 1`.
    #[test]
    fn known_names_have_known_keys() {
        for (name, keys) in [
            ("total", [603_026_534_051_598, 2_932_614_296_742_879, 8_444_305_270_031_302, 2_570_877_428_578_066]),
            ("prices", [8_954_693_936_086_983, 6_512_865_089_563_127, 589_781_237_037_234, 705_686_015_681_096]),
            ("a", [7_128_065_739_670_391, 6_522_212_928_900_712, 5_046_925_133_051_900, 360_385_994_266_631]),
            ("Größe/λ", [2_046_858_850_943_231, 8_986_658_449_688_291, 7_524_523_795_042_286, 349_344_977_195_647]),
            ("variant calling: S1", [3_474_156_663_582_824, 2_008_865_458_571_436, 4_690_985_774_094_644, 5_378_883_214_378_238]),
        ] {
            assert_eq!(numbers(name), keys, "{name}");
        }
    }

    #[test]
    fn every_bit_of_the_digest_has_its_place_and_zero_has_none() {
        assert_eq!(of_digest([0; 32]), [NameKey(1); KEYS]);
        assert_eq!(of_digest([0xff; 32]), [NameKey(MOST); KEYS]);
        let mut digest = [0; 32];
        digest[6] = 0b0000_1100; // Bit 52, the last of the first key, and bit 53, the first of the second.
        assert_eq!(of_digest(digest), [NameKey(1), NameKey(1 << 52), NameKey(1), NameKey(1)]);
    }

    #[test]
    fn what_cannot_be_stored_as_a_name_has_no_key() {
        for name in ["", "a\0b", &"x".repeat(MOST_LETTERS + 1)] {
            assert!(NameKey::of(name).is_err(), "{} letters", name.len());
        }
        assert!(NameKey::of(&"ü".repeat(MOST_LETTERS)).is_ok(), "letters, not bytes");
    }

    /// Gives keys to names whose keys are chosen here, not hashed: the way to see what happens when two are equal.
    fn given(names: &[(&str, [i64; KEYS])]) -> Vec<Result<i64, Invalid>> {
        let mut held = Held::default();
        held.note(NameKey(9), None);
        names.iter().map(|(name, keys)| held.give(name, keys.map(NameKey)).map(NameKey::number)).collect()
    }

    #[test]
    fn the_second_of_two_names_with_one_key_moves_on() {
        let (load, save) = (("load", [5, 6, 7, 8]), ("save", [5, 4, 3, 2]));
        assert_eq!(given(&[load, save, load, save]), [Ok(5), Ok(4), Ok(5), Ok(4)]);
        assert_eq!(given(&[save, load, save, load]), [Ok(5), Ok(6), Ok(5), Ok(6)], "in the other order");
        assert_eq!(given(&[("after a number", [9, 1, 2, 3])]), [Ok(1)], "a job without a name has the first key");
    }

    #[test]
    fn a_name_is_refused_when_others_have_all_its_keys() {
        let others = [("a", [1, 0, 0, 0]), ("b", [2, 0, 0, 0]), ("c", [3, 0, 0, 0])];
        let given = given(&[others[0], others[1], others[2], ("late", [1, 2, 3, 9])]);
        assert!(given[3].as_ref().is_err_and(|refusal| refusal.to_string().contains("late")), "{given:?}");
    }

    proptest! {
        #[test]
        fn every_name_has_keys_that_json_keeps(name in "[^\0]{1,40}") {
            for key in numbers(&name) {
                prop_assert!((1..=MOST).contains(&key));
                prop_assert_eq!(key as f64 as i64, key);
            }
            prop_assert_eq!(numbers(&name), numbers(&name));
        }
    }
}
