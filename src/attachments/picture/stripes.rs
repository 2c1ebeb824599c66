//! Where a picture has stripes, and what bar codes they are.
//!
//! A patch of stripes has all its gradients along one line, whatever way it is turned (the structure
//! tensor of Bigün and Granlund, 1987). Neighbouring patches of one direction are a field; the field is
//! read along its own direction, row by row.

use std::collections::BTreeMap;

use image::{DynamicImage, GrayImage};

use super::bars;
use crate::desk::attachment::Code;

/// The longest sides of the picture in which stripes are looked for, in pixels. Where it is made smaller,
/// noise goes away, and narrow stripes too; where a label fills it, its stripes are wider than a [`PATCH`] but in the
/// smallest.
const SIDES: [u32; 3] = [1_600, 700, 350];

/// The side of a patch, in pixels of that picture.
const PATCH: usize = 12;

/// How alike the gradients of a patch must be in direction: 1 where all are.
const COHERENCE: f64 = 0.5;

/// The least mean square of a patch's gradients, in grey levels: below it is noise.
const ENERGY: f64 = 25.0;

/// How much of a patch's gradients may point one way: in stripes dark follows light as often as light dark, at
/// an edge all point one way.
const ONE_WAY: f64 = 0.7;

/// How much the direction may change from a patch to the next, in radians.
const TURN: f64 = 0.2;

/// Patches of the smallest field.
const SMALLEST: usize = 4;

/// Fields that are read, the largest first.
const MOST_FIELDS: usize = 40;

/// Rows that are read of a field.
const MOST_ROWS: usize = 150;

/// So many rows must say the same before it is believed: Code 39 has no check digit.
const AGREEING: usize = 2;

/// A patch of stripes.
#[derive(Clone, Copy)]
struct Patch {
    column: usize,
    row: usize,
    tensor: Tensor,
}

/// Sums of products of gradients.
#[derive(Clone, Copy, Default)]
struct Tensor {
    xx: f64,
    xy: f64,
    yy: f64,
    /// The sums of the gradients themselves, and of their lengths.
    x: f64,
    y: f64,
    length: f64,
}

impl Tensor {
    fn add(&mut self, other: Tensor) {
        self.xx += other.xx;
        self.xy += other.xy;
        self.yy += other.yy;
        self.x += other.x;
        self.y += other.y;
        self.length += other.length;
    }

    fn coherence(self) -> f64 {
        let sum = self.xx + self.yy;
        if sum > 0.0 { (self.xx - self.yy).hypot(2.0 * self.xy) / sum } else { 0.0 }
    }

    fn one_way(self) -> f64 {
        if self.length > 0.0 { self.x.hypot(self.y) / self.length } else { 1.0 }
    }

    /// The direction across the stripes, from -π/2 to π/2.
    fn direction(self) -> f64 {
        0.5 * (2.0 * self.xy).atan2(self.xx - self.yy)
    }
}

/// Finds bar codes.
pub(super) fn read(picture: &GrayImage) -> Vec<Code> {
    let whole = DynamicImage::ImageLuma8(picture.clone());
    let mut found = Vec::new();
    for side in SIDES {
        let small = super::within(&whole, side).into_luma8();
        let scale = f64::from(picture.width()) / f64::from(small.width().max(1));
        let mut fields = fields(patches(&small));
        fields.sort_by_key(|field| std::cmp::Reverse(field.len()));
        for field in fields.iter().take(MOST_FIELDS) {
            super::add(&mut found, read_field(picture, field, scale));
        }
        if !found.is_empty() {
            break;
        }
    }
    found
}

/// The patches that are stripes.
fn patches(picture: &GrayImage) -> Vec<Patch> {
    let (width, height) = (picture.width() as usize, picture.height() as usize);
    let (columns, rows) = (width / PATCH, height / PATCH);
    let pixels = picture.as_raw().as_slice();
    let mut patches = Vec::new();
    for row in 0..rows {
        let mut tensors = vec![Tensor::default(); columns];
        for y in (row * PATCH).max(1)..((row + 1) * PATCH).min(height.saturating_sub(1)) {
            let line = |y: usize| pixels.get(y * width..(y + 1) * width).unwrap_or_default();
            let across = line(y).windows(3).zip(line(y - 1).iter().zip(line(y + 1)).skip(1));
            for (x, (beside, (above, below))) in across.enumerate() {
                let [left, _, right] = beside else { continue };
                let (dx, dy) = (i32::from(*right) - i32::from(*left), i32::from(*below) - i32::from(*above));
                let (dx, dy) = (f64::from(dx), f64::from(dy));
                if let Some(tensor) = tensors.get_mut((x + 1) / PATCH) {
                    let length = dx.hypot(dy);
                    tensor.add(Tensor { xx: dx * dx, xy: dx * dy, yy: dy * dy, x: dx, y: dy, length });
                }
            }
        }
        let least = ENERGY * (PATCH * PATCH) as f64;
        for (column, tensor) in tensors.into_iter().enumerate() {
            if tensor.xx + tensor.yy > least && tensor.coherence() > COHERENCE && tensor.one_way() < ONE_WAY {
                patches.push(Patch { column, row, tensor });
            }
        }
    }
    patches
}

/// Neighbouring patches of one direction.
fn fields(patches: Vec<Patch>) -> Vec<Vec<Patch>> {
    let mut left: BTreeMap<(usize, usize), Patch> =
        patches.into_iter().map(|patch| ((patch.column, patch.row), patch)).collect();
    let mut fields = Vec::new();
    while let Some((_, first)) = left.pop_first() {
        let mut field = vec![first];
        let mut at = 0;
        while let Some(patch) = field.get(at).copied() {
            for (column, row) in around(patch.column, patch.row) {
                let alike = |other: &&Patch| {
                    let turned = (other.tensor.direction() - patch.tensor.direction()).abs();
                    turned.min(std::f64::consts::PI - turned) < TURN
                };
                if left.get(&(column, row)).filter(alike).is_some() {
                    field.extend(left.remove(&(column, row)));
                }
            }
            at += 1;
        }
        if field.len() >= SMALLEST {
            fields.push(field);
        }
    }
    fields
}

/// The places around this one, two away as well: a code may have a gap.
fn around(column: usize, row: usize) -> impl Iterator<Item = (usize, usize)> {
    let near = |at: usize| at.saturating_sub(2)..=at + 2;
    near(row).flat_map(move |row| near(column).map(move |column| (column, row)))
}

/// Reads a field row by row, a row running across the stripes.
fn read_field(picture: &GrayImage, field: &[Patch], scale: f64) -> Vec<Code> {
    let mut sum = Tensor::default();
    field.iter().for_each(|patch| sum.add(patch.tensor));
    let (sin, cos) = sum.direction().sin_cos();
    // From here on in pixels of the picture at full size.
    let side = PATCH as f64 * scale;
    let middle = |patch: &Patch| ((patch.column as f64 + 0.5) * side, (patch.row as f64 + 0.5) * side);
    let places: Vec<(f64, f64)> =
        field.iter().map(middle).map(|(x, y)| (x * cos + y * sin, y * cos - x * sin)).collect();
    let mut across = Range::default();
    places.iter().for_each(|(_, v)| across.take(*v));
    let height = across.length() + side;
    let rows = ((height / (side / 2.0)).ceil() as usize).clamp(3, MOST_ROWS);
    let mut votes: Vec<(Code, usize)> = Vec::new();
    for row in 0..rows {
        let v = across.least - side / 2.0 + height * (row as f64 + 0.5) / rows as f64;
        let mut along = Range::default();
        places.iter().filter(|place| (place.1 - v).abs() <= side).for_each(|place| along.take(place.0));
        if along.length() < side {
            continue;
        }
        // The last bar may stand outside of the last patch of stripes, and a quiet zone after it.
        let margin = 3.0 * side + 0.06 * along.length();
        let place = |u: f64| (u * cos - v * sin, u * sin + v * cos);
        let line =
            bars::Line { from: place(along.least - margin), until: place(along.most + margin), thick: side / 3.0 };
        for code in bars::read(picture, &line) {
            match votes.iter_mut().find(|(known, _)| *known == code) {
                Some((_, count)) => *count += 1,
                None => votes.push((code, 1)),
            }
        }
    }
    votes.retain(|(_, count)| *count >= AGREEING);
    votes.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    votes.into_iter().map(|(code, _)| code).collect()
}

/// From the least to the greatest of some numbers.
struct Range {
    least: f64,
    most: f64,
}

impl Default for Range {
    fn default() -> Range {
        Range { least: f64::INFINITY, most: f64::NEG_INFINITY }
    }
}

impl Range {
    fn take(&mut self, number: f64) {
        self.least = self.least.min(number);
        self.most = self.most.max(number);
    }

    fn length(&self) -> f64 {
        (self.most - self.least).max(0.0)
    }
}
