//! Messages of files that are read long after they came, in any order, as when a person has mended a profile and has them read
//! again: no result vanishes by the order.

use proptest::prelude::*;

use super::files::{Care, DAY, Files, Said, file, message, messages, missing_of};
use crate::domain::profile::EqualWithoutHour;

/// What is stored of the files whose messages are read in this order: by their numbers, as often as it likes.
fn read(mut all: Files, files: &[Vec<Vec<Said>>], order: &[usize]) -> Files {
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
    all
}

fn missing(care: Care, files: &[Vec<Vec<Said>>], order: &[usize]) -> Vec<Said> {
    let all = read(Files::new(care), files, order);
    files.iter().flat_map(|file| missing_of(&all, file)).collect()
}

/// What there is more often of than any of the files says it, where each says again what the others said that day.
fn too_many(files: &[Vec<Vec<Said>>], order: &[usize]) -> Vec<String> {
    let mut all = Files::new(Care::Counting);
    all.shelf.equal_without_hour = EqualWithoutHour::Same;
    let all = read(all, files, order);
    let said_by = |file: &Vec<Vec<Said>>, it: &(String, String, String)| {
        let is_it = |said: &&Said| (said.0, said.1, said.2) == (&it.0, &it.1, &it.2);
        file.iter().flatten().filter(is_it).count()
    };
    let counts = all.counts().into_iter().filter(|(it, _)| it.2 == DAY);
    let most = |it: &_| files.iter().map(|file| said_by(file, it)).max().unwrap_or_default();
    counts.filter(|(it, stored)| *stored > most(it)).map(|(it, _)| format!("{it:?}")).collect()
}

proptest! {
    #[test]
    fn what_a_file_says_so_often_is_there_so_often_in_whatever_order_it_is_read(
        files in prop::collection::vec(file(), 1..4),
        order in prop::collection::vec(any::<usize>(), 0..20),
    ) {
        prop_assert_eq!(missing(Care::Counting, &files, &order), Vec::<Said>::new());
        prop_assert_eq!(too_many(&files, &order), Vec::<String>::new());
    }
}

#[test]
fn two_files_read_in_turns_have_no_more_than_each_says() {
    let file = vec![vec![("S1", "4.1", DAY)]; 2];
    // The last of the first, both of the second, the first of the first.
    assert_eq!(too_many(&[file.clone(), file], &[1, 1, 1, 0]), [""; 0]);
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
