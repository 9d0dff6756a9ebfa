//! Messages of files that are read long after they came, in any order, as when a person has mended a profile and has them read
//! again: no result vanishes by the order.

use proptest::prelude::*;

use super::files::{Care, DAY, Files, Said, file, message, messages, missing_of};

/// What is missing of the files whose messages are read in this order: by their numbers, as often as it likes.
fn missing(care: Care, files: &[Vec<Vec<Said>>], order: &[usize]) -> Vec<Said> {
    let mut all = Files::new(care);
    let mut count = 0;
    for file in files {
        count = all.arrives(&messages("", file)).end;
        all.shelf.minute += 7;
    }
    let mut left: Vec<usize> = (0..count).collect();
    for at in order {
        if !left.is_empty() {
            let message = left.remove(at % left.len());
            all.reads_message(message);
        }
    }
    left.into_iter().for_each(|message| all.reads_message(message));
    files.iter().flat_map(|file| missing_of(&all, file)).collect()
}

proptest! {
    #[test]
    fn what_a_file_says_so_often_is_there_so_often_in_whatever_order_it_is_read(
        files in prop::collection::vec(file(), 1..4),
        order in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        prop_assert_eq!(missing(Care::Counting, &files, &order), Vec::<Said>::new());
    }
}

#[test]
fn equal_results_of_a_day_are_all_there_when_they_are_read_newest_first() {
    let file = vec![vec![("S1", "4.1", DAY)]; 3];
    let newest_first = [2, 1, 0];
    assert_eq!(missing(Care::Counting, std::slice::from_ref(&file), &newest_first), []);
    // The negative control.
    assert_ne!(missing(Care::TrustingDays, &[file], &newest_first), []);
}

#[test]
fn a_file_that_was_read_after_the_next_one_loses_nothing() {
    let mut files = Files::new(Care::Counting);
    let first = files.arrives(&[message("", &[("S1", "4.1", DAY)])]);
    let second = files.arrives(&[message("", &[("S1", "4.1", DAY)])]);
    second.chain(first).for_each(|message| files.reads_message(message));
    assert_eq!(files.shelf.told(), "S1 4.1 /1 New; S1 4.1 /2 ToldBefore(1)");
}
