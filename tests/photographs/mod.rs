//! Photographs of labels, drawn: a label with codes and print on it, turned, seen from the side, out of
//! focus, in bad light.

use image::{GrayImage, Luma};
use rxing::{BarcodeFormat, MultiFormatWriter, Writer};

/// Pixels of the drawn label for a bar or dot.
const DRAWN: u32 = 8;

/// A photograph to take.
#[derive(Clone, Debug)]
pub(crate) struct Photograph {
    /// The codes on the label, from top to bottom.
    pub(crate) codes: Vec<(BarcodeFormat, String)>,
    /// Width and height, in pixels.
    pub(crate) size: (u32, u32),
    /// Width of a bar or dot, in pixels.
    pub(crate) module: f64,
    /// By how many degrees the label is turned.
    pub(crate) turn: f64,
    /// By how much the far end is smaller, 0 to 0.5.
    pub(crate) skew: f64,
    /// Standard deviation of the blur, in pixels.
    pub(crate) blur: f32,
    /// 1 is black on white.
    pub(crate) contrast: f64,
    /// Standard deviation of the noise, in grey levels.
    pub(crate) noise: f64,
    /// By how much the light falls off over the picture.
    pub(crate) shade: f64,
}

impl Photograph {
    /// A good one, of a label with one code.
    pub(crate) fn of(format: BarcodeFormat, text: &str) -> Photograph {
        Photograph {
            codes: vec![(format, text.to_string())],
            size: (640, 600),
            module: 2.5,
            turn: 0.0,
            skew: 0.0,
            blur: 0.5,
            contrast: 0.85,
            noise: 3.0,
            shade: 0.0,
        }
    }

    /// Takes it.
    pub(crate) fn take(&self) -> GrayImage {
        let mut random = fastrand::Rng::with_seed(1);
        let label = label(&self.codes, &mut random);
        let ground: Vec<u8> = (0..4_096).map(|_| random.u8(60..190)).collect();
        let (width, height) = self.size;
        let seen = Seen { photograph: self, label: &label, ground: &ground };
        // Each pixel gathers the light of four places.
        let light = (0..height).flat_map(|y| (0..width).map(move |x| (f64::from(x), f64::from(y))));
        let light = light.map(|(x, y)| {
            let places = [(0.25, 0.25), (0.75, 0.25), (0.25, 0.75), (0.75, 0.75)];
            (places.iter().map(|(dx, dy)| seen.light(x + dx, y + dy)).sum::<f64>() / 4.0) as f32
        });
        let soft = blurred(light.collect(), width as usize, self.blur);
        let pixels = soft.iter().enumerate().map(|(at, light)| {
            let (x, y) = (at as f64 % f64::from(width), at as f64 / f64::from(width));
            let shade = 1.0 - self.shade * (x / f64::from(width) + y / f64::from(height)) / 2.0;
            let noise = (0..4).map(|_| random.f64() - 0.5).sum::<f64>() * 1.73 * self.noise;
            (((f64::from(*light) - 128.0) * self.contrast + 128.0) * shade + noise).clamp(0.0, 255.0) as u8
        });
        GrayImage::from_raw(width, height, pixels.collect()).expect("as many pixels as it has")
    }

    /// The same as a PNG file.
    pub(crate) fn file(&self) -> Vec<u8> {
        let mut file = std::io::Cursor::new(Vec::new());
        self.take().write_to(&mut file, image::ImageFormat::Png).expect("a picture can be written");
        file.into_inner()
    }
}

/// The label in front of the lens.
struct Seen<'a> {
    photograph: &'a Photograph,
    label: &'a GrayImage,
    ground: &'a [u8],
}

impl Seen<'_> {
    fn light(&self, x: f64, y: f64) -> f64 {
        let Photograph { size, module, turn, skew, .. } = self.photograph;
        let scale = f64::from(DRAWN) / module;
        let (sin, cos) = turn.to_radians().sin_cos();
        let (width, height) = (f64::from(self.label.width()), f64::from(self.label.height()));
        let (x, y) = (x - f64::from(size.0) / 2.0, y - f64::from(size.1) / 2.0);
        let (u, v) = (x * cos + y * sin, y * cos - x * sin);
        let nearer = 1.0 - skew / (width / scale) * u;
        let (u, v) = (u / nearer, v / nearer);
        let (on_x, on_y) = (u * scale + width / 2.0, v * scale + height / 2.0);
        if nearer > 0.0 && on_x >= 0.0 && on_y >= 0.0 && on_x < width && on_y < height {
            return f64::from(self.label.get_pixel(on_x as u32, on_y as u32).0[0]);
        }
        // A table with a pattern.
        let cell = |place: f64| (place / 24.0).floor().rem_euclid(64.0) as usize;
        f64::from(self.ground[cell(y) * 64 + cell(x)])
    }
}

fn label(codes: &[(BarcodeFormat, String)], random: &mut fastrand::Rng) -> GrayImage {
    let drawn: Vec<GrayImage> = codes.iter().map(|(format, text)| code(*format, text)).collect();
    let line = 9 * DRAWN;
    let widest = drawn.iter().map(GrayImage::width).max().unwrap_or_default();
    let width = widest.max(60 * DRAWN) + 8 * DRAWN;
    let height = 2 * line + drawn.iter().map(|code| code.height() + line).sum::<u32>();
    let mut label = GrayImage::from_pixel(width, height, Luma([245]));
    let mut top = DRAWN * 2;
    print(&mut label, top, random);
    top += line;
    for code in &drawn {
        image::imageops::replace(&mut label, code, (4 * DRAWN).into(), top.into());
        top += code.height();
        print(&mut label, top, random);
        top += line;
    }
    label
}

/// A code with the quiet zone that its standard asks for.
fn code(format: BarcodeFormat, text: &str) -> GrayImage {
    let bits = MultiFormatWriter.encode(text, &format, 1, 1).expect("a code");
    let is_flat = matches!(format, BarcodeFormat::CODE_128 | BarcodeFormat::CODE_39 | BarcodeFormat::CODE_93);
    let (width, height) = (bits.getWidth(), if is_flat { 18 } else { bits.getHeight() });
    let quiet = 10;
    GrayImage::from_fn((width + 2 * quiet) * DRAWN, (height + 8) * DRAWN, |x, y| {
        let (x, y) = ((x / DRAWN).wrapping_sub(quiet), (y / DRAWN).wrapping_sub(4));
        let black = x < width && y < height && bits.get(x, if is_flat { 0 } else { y });
        Luma([if black { 10 } else { 245 }])
    })
}

/// A line of strokes that look like letters from afar.
fn print(label: &mut GrayImage, top: u32, random: &mut fastrand::Rng) {
    let mut left = 5 * DRAWN;
    while left < label.width() * 3 / 4 {
        for _ in 0..3 {
            let (x, y) = (left + random.u32(0..3 * DRAWN), top + random.u32(0..3 * DRAWN));
            let (wide, tall) = if random.bool() { (3 * DRAWN, DRAWN) } else { (DRAWN, 3 * DRAWN) };
            for y in y..(y + tall).min(label.height()) {
                for x in x..(x + wide).min(label.width()) {
                    label.put_pixel(x, y, Luma([20]));
                }
            }
        }
        left += 6 * DRAWN;
    }
}

fn blurred(light: Vec<f32>, width: usize, sigma: f32) -> Vec<f32> {
    let reach = (sigma * 3.0).ceil() as isize;
    let weights: Vec<f32> = (-reach..=reach).map(|d| (-((d * d) as f32) / (2.0 * sigma * sigma)).exp()).collect();
    let total: f32 = weights.iter().sum();
    let height = light.len() / width;
    let along = |light: &[f32], dx: isize, dy: isize| -> Vec<f32> {
        let pixel = |at: usize| {
            let (x, y) = ((at % width) as isize, (at / width) as isize);
            let sum = (-reach..=reach).zip(&weights).map(|(d, weight)| {
                let x = (x + d * dx).clamp(0, width as isize - 1) as usize;
                let y = (y + d * dy).clamp(0, height as isize - 1) as usize;
                weight * light[y * width + x]
            });
            sum.sum::<f32>() / total
        };
        (0..light.len()).map(pixel).collect()
    };
    along(&along(&light, 1, 0), 0, 1)
}
