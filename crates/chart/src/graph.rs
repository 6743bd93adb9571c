//! A laid-out graph: boxes, the lines between them, and which node comes before and after which.
//!
//! The server computes the layout; this module measures it, walks it and writes it as SVG.

use crate::rect::Rect;
use serde::{Deserialize, Serialize};
use std::{collections::VecDeque, fmt::Write as _};

/// The direction of edges.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Direction {
    /// Top to bottom.
    #[default]
    Down,
    /// Left to right.
    Right,
}

impl Direction {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Down => "tb",
            Self::Right => "lr",
        }
    }

    /// The direction that a word in a URL means; any other word is the default.
    pub fn of(word: Option<&str>) -> Self {
        if word == Some("lr") { Self::Right } else { Self::Down }
    }
}

/// A line from one box to another.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Line {
    pub from: u32,
    pub to: u32,
    /// From the border of one box to that of the other; at least two.
    pub points: Vec<(f32, f32)>,
}

/// The positions of everything. Boxes are in the order of the nodes that were laid out.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Layout {
    pub direction: Direction,
    pub width: f32,
    pub height: f32,
    pub boxes: Vec<Rect>,
    pub lines: Vec<Line>,
}

/// One step of keyboard navigation with the arrow keys.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Step {
    Left,
    Right,
    Up,
    Down,
}

impl Layout {
    /// The line as an SVG path: a curve that leaves and enters boxes along the direction.
    pub fn path(&self, line: &Line) -> String {
        let mut path = String::new();
        let Some(((x, y), rest)) = line.points.split_first().map(|(first, rest)| (*first, rest)) else { return path };
        let _ = write!(path, "M{} {}", short(x), short(y));
        let (mut x, mut y) = (x, y);
        for &(to_x, to_y) in rest {
            let straight = match self.direction {
                Direction::Down => (x - to_x).abs() < 0.5,
                Direction::Right => (y - to_y).abs() < 0.5,
            };
            let _ = if straight {
                write!(path, "L{} {}", short(to_x), short(to_y))
            } else {
                let (one, two) = match self.direction {
                    Direction::Down => ((x, f32::midpoint(y, to_y)), (to_x, f32::midpoint(y, to_y))),
                    Direction::Right => ((f32::midpoint(x, to_x), y), (f32::midpoint(x, to_x), to_y)),
                };
                let numbers = [one.0, one.1, two.0, two.1, to_x, to_y].map(short);
                write!(path, "C{}", numbers.join(" "))
            };
            (x, y) = (to_x, to_y);
        }
        path
    }

    /// All nodes that a node needs and all that need it, including itself: one flag per node.
    pub fn kin(&self, node: usize) -> Vec<bool> {
        let mut kin = vec![false; self.boxes.len()];
        for forth in [true, false] {
            let mut next = vec![Vec::new(); self.boxes.len()];
            for line in &self.lines {
                let (from, to) = if forth { (line.from, line.to) } else { (line.to, line.from) };
                if let Some(list) = next.get_mut(from as usize) {
                    list.push(to as usize);
                }
            }
            let mut seen = vec![false; self.boxes.len()];
            let mut queue = VecDeque::from([node]);
            while let Some(at) = queue.pop_front() {
                let Some(mark) = seen.get_mut(at) else { continue };
                if std::mem::replace(mark, true) {
                    continue;
                }
                kin[at] = true;
                queue.extend(&next[at]);
            }
        }
        kin
    }

    /// The middle one of the first nodes of the picture; `None` if it is empty.
    pub fn first(&self) -> Option<usize> {
        let turned = |node: &usize| {
            let (x, y) = self.boxes[*node].centre();
            if self.direction == Direction::Down { (y, x) } else { (x, y) }
        };
        let begin = (0..self.boxes.len()).map(|node| turned(&node).0).reduce(f32::min)?;
        let mut first: Vec<usize> = (0..self.boxes.len()).filter(|node| turned(node).0 - begin < 1.0).collect();
        first.sort_unstable_by(|one, other| turned(one).1.total_cmp(&turned(other).1));
        first.get(first.len() / 2).copied()
    }

    /// The node that a step leads to: the nearest one in that direction, preferring those straight ahead.
    pub fn step(&self, from: usize, step: Step) -> Option<usize> {
        let (x, y) = self.boxes.get(from)?.centre();
        let distance = |other: &Rect| {
            let (dx, dy) = (other.centre().0 - x, other.centre().1 - y);
            let (ahead, aside) = match step {
                Step::Left => (-dx, dy),
                Step::Right => (dx, dy),
                Step::Up => (-dy, dx),
                Step::Down => (dy, dx),
            };
            (ahead > 1.0).then(|| aside.abs().mul_add(2.0, ahead))
        };
        let found = self.boxes.iter().enumerate().filter(|(at, _)| *at != from).filter_map(|(at, held)| Some((distance(held)?, at)));
        found.min_by(|one, two| one.0.total_cmp(&two.0)).map(|(_, at)| at)
    }
}

/// A tenth of a pixel is as exact as anybody can see.
fn short(value: f32) -> String {
    let text = format!("{value:.1}");
    text.strip_suffix(".0").map(str::to_owned).unwrap_or(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Two nodes above one another and a third beside the lower one; the first leads to both others.
    fn fork() -> Layout {
        let at = |x, y| Rect { x, y, w: 10.0, h: 10.0 };
        Layout {
            direction: Direction::Down,
            width: 60.0,
            height: 50.0,
            boxes: vec![at(0.0, 0.0), at(0.0, 30.0), at(40.0, 30.0)],
            lines: vec![
                Line { from: 0, to: 1, points: vec![(5.0, 10.0), (5.0, 30.0)] },
                Line { from: 0, to: 2, points: vec![(5.0, 10.0), (45.0, 30.0)] },
            ],
        }
    }

    #[test]
    fn a_line_is_straight_or_bends_along_the_direction() {
        let layout = fork();
        assert_eq!(layout.path(&layout.lines[0]), "M5 10L5 30");
        assert_eq!(layout.path(&layout.lines[1]), "M5 10C5 20 45 20 45 30");
        let right = Layout { direction: Direction::Right, ..layout.clone() };
        assert_eq!(right.path(&layout.lines[1]), "M5 10C25 10 25 30 45 30");
        assert_eq!(right.path(&Line { from: 0, to: 1, points: Vec::new() }), "");
    }

    #[test]
    fn kin_are_before_and_after_but_not_beside() {
        let layout = fork();
        assert_eq!(layout.kin(0), [true, true, true]);
        assert_eq!(layout.kin(1), [true, true, false]);
        let round = Layout { lines: vec![layout.lines[0].clone(), Line { from: 1, to: 0, points: Vec::new() }], ..layout };
        assert_eq!(round.kin(1), [true, true, false], "a cycle does not loop for ever");
        assert_eq!(round.kin(7), [false; 3], "a node that does not exist has no kin");
    }

    #[test]
    fn a_picture_begins_with_the_middle_of_what_needs_nothing() {
        let layout = fork();
        assert_eq!(layout.first(), Some(0));
        let right = Layout { direction: Direction::Right, ..layout.clone() };
        assert_eq!(right.first(), Some(1), "of two");
        assert_eq!(Layout { boxes: Vec::new(), ..layout }.first(), None);
    }

    #[test]
    fn arrows_walk_to_the_nearest_box_that_way() {
        let layout = fork();
        assert_eq!(layout.step(0, Step::Down), Some(1));
        assert_eq!(layout.step(1, Step::Right), Some(2));
        assert_eq!(layout.step(2, Step::Up), Some(0));
        assert_eq!(layout.step(0, Step::Up), None);
    }
}
