//! Tables and properties of the plan: what happens to a path follows from its three versions.
#![expect(clippy::unwrap_used, reason = "tests")]

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::*;
use crate::model::{Mode, Oid};

fn entry(letter: char) -> Option<Entry> {
    (letter != '-').then(|| Entry { oid: Oid::of_blob(letter.to_string().as_bytes()), mode: Mode::Regular })
}

fn path(text: &str) -> FilePath {
    FilePath::parse(text).unwrap()
}

/// `base project github`, a letter each, `-` for «not there».
fn row(sides: &str) -> Row {
    let [base, project, github] = sides.chars().collect::<Vec<_>>().try_into().unwrap();
    Row { base: entry(base), project: entry(project), github: entry(github), unholdable: false, held: None }
}

const ASK: Policy = Policy { push: true, by_person: false, pull: true, conflict: ConflictPolicy::Ask };

fn rows(list: &[(&str, &str)]) -> BTreeMap<FilePath, Row> {
    list.iter().map(|(name, sides)| (path(name), row(sides))).collect()
}

/// The lists that a path is in.
fn said(plan: &Plan, name: &str) -> String {
    let name = path(name);
    let lists = [
        ("agree", plan.agree.contains(&name)),
        ("take", plan.take.contains_key(&name)),
        ("merge", plan.merge.contains_key(&name)),
        ("overrule", plan.overrule.contains(&name)),
        ("keep", plan.keep.contains(&name)),
        ("conflict", plan.conflict.contains_key(&name)),
        ("collision", plan.collision.contains_key(&name)),
        ("propose", plan.propose.contains_key(&name)),
        ("lines", plan.needs_merge.contains(&name)),
        ("push", plan.push.contains_key(&name)),
    ];
    lists.into_iter().filter(|(_, is_in)| *is_in).map(|(list, _)| list).collect::<Vec<_>>().join(" ")
}

fn one(sides: &str, policy: Policy) -> String {
    said(&plan(&rows(&[("a", sides)]), &BTreeMap::new(), policy), "a")
}

#[test]
fn one_path_with_nobody_in_the_way() {
    for (sides, outcome) in [
        ("aba", "push"),
        ("a-a", "push"),
        ("-a-", "push"),
        ("aab", "take"),
        ("aa-", "take"),
        ("--a", "take"),
        ("abb", "agree"),
        ("a--", "agree"),
        ("-aa", "agree"),
        ("abc", "lines"),
        ("-ab", "conflict"),
        ("ab-", "conflict"),
        ("a-b", "conflict"),
    ] {
        assert_eq!(one(sides, ASK), outcome, "{sides}");
    }
}

#[test]
fn policies_settle_what_does_not_merge() {
    let with = |conflict| Policy { conflict, ..ASK };
    for (sides, wins, yields, proposes) in [
        ("-ab", "overrule push", "take", "propose"),
        ("ab-", "overrule push", "take", "propose"),
        ("a-b", "overrule push", "take", "propose"),
    ] {
        assert_eq!(one(sides, with(ConflictPolicy::ProjectWins)), wins, "{sides}");
        assert_eq!(one(sides, with(ConflictPolicy::GithubWins)), yields, "{sides}");
        assert_eq!(one(sides, with(ConflictPolicy::PullRequest)), proposes, "{sides}");
    }
}

#[test]
fn without_a_push_nothing_goes_and_without_pull_nothing_comes() {
    let quiet = Policy { push: false, ..ASK };
    assert_eq!(one("aba", quiet), "");
    assert_eq!(one("aab", quiet), "take");
    let deaf = Policy { pull: false, ..ASK };
    assert_eq!(one("aab", deaf), "keep");
    assert_eq!(one("aba", deaf), "push");
    assert_eq!(one("ab-", deaf), "conflict");
}

#[test]
fn merged_lines_go_to_both_sides() {
    let rows = rows(&[("a", "abc")]);
    let merged = |outcome| BTreeMap::from([(path("a"), outcome)]);
    let clean = plan(&rows, &merged(Merged::Clean(entry('m').unwrap())), ASK);
    assert_eq!(said(&clean, "a"), "merge push");
    assert_eq!(clean.push[&path("a")], entry('m'));
    let theirs = plan(&rows, &merged(Merged::Clean(entry('c').unwrap())), ASK);
    assert_eq!(said(&theirs, "a"), "merge", "GitHub has it already");
    let ours = plan(&rows, &merged(Merged::Clean(entry('b').unwrap())), ASK);
    assert_eq!(said(&ours, "a"), "overrule push", "the project has it already");
    assert_eq!(said(&plan(&rows, &merged(Merged::Conflict), ASK), "a"), "conflict");
}

#[test]
fn held_paths_stay() {
    let held = |held, policy| {
        let mut rows = rows(&[("a", "aba")]);
        rows.get_mut(&path("a")).unwrap().held = Some(held);
        said(&plan(&rows, &BTreeMap::new(), policy), "a")
    };
    let person = Policy { by_person: true, ..ASK };
    assert_eq!(held(Held::PullRequest, person), "");
    assert_eq!(held(Held::PullRequestClosed, ASK), "");
    assert_eq!(held(Held::PullRequestClosed, person), "push");
    assert_eq!(held(Held::Refused, ASK), "");
    assert_eq!(held(Held::Refused, person), "");
}

#[test]
fn a_file_against_a_folder() {
    let here = rows(&[("a", "-x-"), ("a/b", "--y")]);
    let ask = plan(&here, &BTreeMap::new(), ASK);
    assert_eq!((said(&ask, "a").as_str(), said(&ask, "a/b").as_str()), ("collision", "keep"));
    assert_eq!(ask.collision[&path("a")], Collision::FileInProject);
    let wins = plan(&here, &BTreeMap::new(), Policy { conflict: ConflictPolicy::ProjectWins, ..ASK });
    assert_eq!((said(&wins, "a").as_str(), said(&wins, "a/b").as_str()), ("overrule push", "overrule push"));
    let yields = plan(&here, &BTreeMap::new(), Policy { conflict: ConflictPolicy::GithubWins, ..ASK });
    assert_eq!((said(&yields, "a").as_str(), said(&yields, "a/b").as_str()), ("take", "take"));
    let there = plan(&rows(&[("a", "--y"), ("a/b", "-x-")]), &BTreeMap::new(), ASK);
    assert_eq!((said(&there, "a").as_str(), said(&there, "a/b").as_str()), ("collision", "keep"));
}

#[test]
fn a_folder_makes_no_room_for_a_file_that_stays_away() {
    let with = |held, by_person| {
        let mut rows = rows(&[("a", "-x-"), ("a/b", "--y")]);
        rows.get_mut(&path("a")).unwrap().held = Some(held);
        let policy = Policy { conflict: ConflictPolicy::ProjectWins, by_person, ..ASK };
        let plan = plan(&rows, &BTreeMap::new(), policy);
        (said(&plan, "a"), said(&plan, "a/b"))
    };
    let both = |file: &str, folder: &str| (file.to_owned(), folder.to_owned());
    assert_eq!(with(Held::PullRequest, true), both("keep", "keep"));
    assert_eq!(with(Held::Refused, true), both("overrule", "keep"));
    assert_eq!(with(Held::PullRequestClosed, false), both("overrule", "keep"));
    assert_eq!(with(Held::PullRequestClosed, true), both("overrule push", "overrule push"));
}

#[test]
fn a_file_that_became_a_folder_is_an_ordinary_change() {
    let theirs = plan(&rows(&[("a", "xx-"), ("a/b", "--y")]), &BTreeMap::new(), ASK);
    assert_eq!((said(&theirs, "a").as_str(), said(&theirs, "a/b").as_str()), ("take", "take"));
    let ours = plan(&rows(&[("a", "x-x"), ("a/b", "-y-")]), &BTreeMap::new(), ASK);
    assert_eq!((said(&ours, "a").as_str(), said(&ours, "a/b").as_str()), ("push", "push"));
}

#[test]
fn what_the_project_cannot_hold_is_left_alone() {
    let mut rows = rows(&[("a", "--s"), ("b", "-as")]);
    for row in rows.values_mut() {
        row.unholdable = true;
    }
    let plan = plan(&rows, &BTreeMap::new(), Policy { conflict: ConflictPolicy::GithubWins, ..ASK });
    assert_eq!((said(&plan, "a").as_str(), said(&plan, "b").as_str()), ("keep", "conflict"));
}

/// What the rows are once the plan was carried out and the head moved accordingly.
fn carried_out(rows: &BTreeMap<FilePath, Row>, plan: &Plan) -> BTreeMap<FilePath, Row> {
    let mut after = BTreeMap::new();
    for (name, row) in rows {
        let mut row = row.clone();
        if plan.take.contains_key(name) || plan.propose.contains_key(name) {
            (row.project, row.base) = (row.github, row.github);
        } else if let Some(merged) = plan.merge.get(name) {
            (row.project, row.base) = (Some(*merged), row.github);
        } else if plan.agree.contains(name) || plan.overrule.contains(name) {
            row.base = row.github;
        }
        if let Some(pushed) = plan.push.get(name) {
            (row.base, row.github) = (*pushed, *pushed);
        }
        if !(row.project == row.base && row.base == row.github) {
            after.insert(name.clone(), row);
        }
    }
    after
}

fn sides() -> impl Strategy<Value = Row> {
    let side = prop::sample::select(vec!['-', 'a', 'b', 'c']);
    (side.clone(), side.clone(), side).prop_map(|(base, project, github)| row(&format!("{base}{project}{github}")))
}

const SIDES: [fn(&mut Row) -> &mut Option<Entry>; 3] =
    [|row| &mut row.base, |row| &mut row.project, |row| &mut row.github];

/// Rows of two trees: neither side has a path as file and folder.
fn trees() -> impl Strategy<Value = BTreeMap<FilePath, Row>> {
    let names = prop::sample::select(vec!["a", "a/x", "a/y", "a/y/z", "b", "c/d", "c"]);
    prop::collection::btree_map(names, sides(), 0..7).prop_map(|rows| {
        let mut rows: BTreeMap<FilePath, Row> = rows.into_iter().map(|(name, row)| (path(name), row)).collect();
        let names: Vec<FilePath> = rows.keys().cloned().collect();
        for name in &names {
            let above: Vec<FilePath> = name.ancestors().map(path).filter(|folder| rows.contains_key(folder)).collect();
            for folder in above {
                let lower = rows[name].clone();
                let upper = rows.get_mut(&folder).unwrap();
                for side in SIDES {
                    let (mut lower, upper) = (lower.clone(), &mut *upper);
                    if side(&mut lower).is_some() {
                        *side(upper) = None;
                    }
                }
            }
        }
        rows.retain(|_, row| !(row.project == row.base && row.base == row.github));
        rows
    })
}

fn policies() -> impl Strategy<Value = Policy> {
    let conflict = prop::sample::select(vec![
        ConflictPolicy::Ask,
        ConflictPolicy::ProjectWins,
        ConflictPolicy::GithubWins,
        ConflictPolicy::PullRequest,
    ]);
    (any::<bool>(), conflict).prop_map(|(pull, conflict)| Policy { push: true, by_person: false, pull, conflict })
}

fn decided(rows: &BTreeMap<FilePath, Row>, policy: Policy) -> Plan {
    let needed = plan(rows, &BTreeMap::new(), policy).needs_merge;
    let merged = needed.into_iter().map(|name| (name, Merged::Conflict)).collect();
    plan(rows, &merged, policy)
}

/// No path is file and folder at once.
fn is_tree(rows: &BTreeMap<FilePath, Row>, side: impl Fn(&Row) -> Option<Entry>) -> bool {
    let there = |name: &str| rows.get(name).and_then(&side).is_some();
    rows.keys().filter(|name| there(name.as_str())).all(|name| !name.ancestors().any(there))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 4000, ..ProptestConfig::default() })]

    #[test]
    fn a_plan_carried_out_leaves_nothing_to_do(rows in trees(), policy in policies()) {
        let first = decided(&rows, policy);
        let after = carried_out(&rows, &first);
        let second = decided(&after, policy);
        prop_assert!(second.is_noop(), "{first:?}\n{second:?}");
        prop_assert_eq!(carried_out(&after, &second), after);
    }

    #[test]
    fn both_sides_stay_trees(rows in trees(), policy in policies()) {
        let plan = decided(&rows, policy);
        let mut after = rows.clone();
        after.extend(carried_out(&rows, &plan));
        for (name, row) in &mut after {
            if let Some(entry) = plan.take.get(name).or(plan.propose.get(name)) { row.project = *entry; }
            if let Some(entry) = plan.push.get(name) { row.github = *entry; }
        }
        prop_assert!(is_tree(&after, |row| row.project), "project {plan:?}");
        prop_assert!(is_tree(&after, |row| row.github), "github {plan:?}");
    }

    #[test]
    fn a_change_of_one_side_is_never_lost(rows in trees(), policy in policies()) {
        let plan = decided(&rows, policy);
        for (name, row) in &rows {
            let both = row.project != row.base && row.github != row.base && row.project != row.github;
            let overwritten = plan.take.contains_key(name) && row.project != row.base && row.project != row.github;
            let yields = policy.conflict == ConflictPolicy::GithubWins;
            prop_assert!(!overwritten || yields, "{name:?} {both}");
            let pushed_over = plan.push.contains_key(name) && row.github != row.base && row.project != row.github;
            prop_assert!(!pushed_over || policy.conflict == ConflictPolicy::ProjectWins, "{name:?}");
        }
    }

    /// A plan is a function of what it is given, and paths that have nothing to do with each other do
    /// not change what becomes of one another.
    #[test]
    fn a_plan_is_the_same_each_time_and_for_each_path_alone(rows in trees(), policy in policies()) {
        let whole = decided(&rows, policy);
        prop_assert_eq!(&decided(&rows, policy), &whole);
        let related = |name: &FilePath| rows.keys().any(|other| {
            other.ancestors().any(|folder| folder == name.as_str()) || name.ancestors().any(|folder| folder == other.as_str())
        });
        for (name, row) in rows.iter().filter(|(name, _)| !related(name)) {
            let alone = decided(&BTreeMap::from([(name.clone(), row.clone())]), policy);
            prop_assert_eq!(said(&alone, name.as_str()), said(&whole, name.as_str()));
        }
    }

    /// What an open pull request carries never goes to the branch, what GitHub refused waits for a
    /// person, and what the project cannot hold never comes into it.
    #[test]
    fn what_is_kept_back_is_kept_back(rows in kept_back(), policy in policies(), by_person in any::<bool>()) {
        let policy = Policy { by_person, ..policy };
        let plan = decided(&rows, policy);
        for (name, row) in &rows {
            let free = match row.held {
                None => true,
                Some(Held::PullRequest) => false,
                Some(Held::Refused | Held::PullRequestClosed) => by_person,
            };
            prop_assert!(free || !plan.push.contains_key(name), "{name:?} {row:?} is pushed");
            let comes = plan.take.contains_key(name) || plan.propose.contains_key(name) || plan.merge.contains_key(name);
            prop_assert!(!row.unholdable || !comes, "{name:?} {row:?} is taken");
        }
    }
}

/// Some rows are held, and some cannot be taken.
fn kept_back() -> impl Strategy<Value = BTreeMap<FilePath, Row>> {
    let held =
        prop::sample::select(vec![None, Some(Held::Refused), Some(Held::PullRequest), Some(Held::PullRequestClosed)]);
    let marks = prop::collection::vec((held, prop::bool::weighted(0.2)), 7);
    (trees(), marks).prop_map(|(mut rows, marks)| {
        for (row, (held, unholdable)) in rows.values_mut().zip(marks) {
            (row.held, row.unholdable) = (held, unholdable && row.github.is_some());
        }
        rows
    })
}
