//! Vectors count like scalars, tiles like the whole, and pictures show what was computed.

use std::fs;

use proptest::prelude::*;
use serde_json::json;
use workload::{
    Mandelbrot, RunError, Size, Span, Timeline, Workload,
    mandelbrot::{Area, Counts, Image, Kernel, Tile, scalar},
    sequential,
};

fn work(width: u32, height: u32, iterations: u16, tile: (u32, u32)) -> Mandelbrot {
    Mandelbrot { width, height, iterations, tile: Tile { width: tile.0, height: tile.1 } }
}

fn image_of(work: &Mandelbrot) -> Image {
    work.image(&sequential(work, &Timeline::off()).unwrap()).unwrap()
}

/// The image, pixel by pixel, by the plain function.
fn by_scalar(work: &Mandelbrot) -> Vec<u16> {
    let rows = 0..work.height;
    rows.flat_map(|y| (0..work.width).map(move |x| scalar(work.re(x), work.im(y), work.iterations))).collect()
}

#[test]
fn known_points() {
    // 0 and -1 are inside; 1 goes 0, 1, 2, 5; 2 + 2i goes 0, 2 + 2i.
    let points = [(0.0, 0.0, 50), (-1.0, 0.0, 50), (1.0, 0.0, 3), (2.0, 2.0, 1), (-2.0, 0.0, 50)];
    for (re, im, count) in points {
        assert_eq!(scalar(re, im, 50), count, "{re} + {im}i");
    }
}

#[test]
fn each_kernel_of_this_machine_equals_scalar() {
    let kernels = Kernel::available();
    assert_eq!(kernels.last().unwrap().name(), "scalar");
    assert_eq!(kernels[0].name(), Kernel::fastest().name());
    let work = work(203, 157, 0, (1, 1));
    let points: Vec<(f64, f64)> =
        (0..157).flat_map(|y| (0..203).map(move |x| (x, y))).map(|(x, y)| (work.re(x), work.im(y))).collect();
    let (re, im): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    for kernel in kernels {
        // 1 to 5: fewer iterations than between two looks, exactly as many, and one more.
        for iterations in [1, 2, 3, 4, 5, 63, 500, 1001] {
            let expected: Vec<u16> = points.iter().map(|&(re, im)| scalar(re, im, iterations)).collect();
            assert!(kernel.escapes(&re, &im, iterations) == expected, "{} {iterations}", kernel.name());
        }
        for length in 0..70 {
            let expected: Vec<u16> = points[..length].iter().map(|&(re, im)| scalar(re, im, 9)).collect();
            assert_eq!(kernel.escapes(&re[..length], &im[..length], 9), expected, "{}", kernel.name());
        }
        let largest = kernel.escapes(&[0.0, 1.0], &[0.0, 0.0], u16::MAX);
        assert_eq!(largest, [u16::MAX, 3], "{}", kernel.name());
    }
}

#[test]
fn each_kernel_equals_scalar_where_rounding_decides() {
    // Points on and next to the circle of radius 2, and far outside, where z overflows.
    let near = |value: f64| {
        [value.next_down().next_down(), value.next_down(), value, value.next_up(), value.next_up().next_up()]
    };
    let mut points = vec![(1e308, 1e308), (f64::INFINITY, 0.0), (f64::NAN, 0.0), (1e154, -1e154)];
    for (x, y) in [(-2.0, 0.0), (2.0, 0.0), (0.0, 2.0), (0.25, 0.0), (-1.25, 0.0), (-1.6, 1.2), (0.0, 1.0)] {
        points.extend(near(x).into_iter().flat_map(|x| near(y).map(|y| (x, y))));
    }
    let (re, im): (Vec<f64>, Vec<f64>) = points.iter().copied().unzip();
    for kernel in Kernel::available() {
        let expected: Vec<u16> = points.iter().map(|&(re, im)| scalar(re, im, 2000)).collect();
        assert_eq!(kernel.escapes(&re, &im, 2000), expected, "{}", kernel.name());
    }
}

#[test]
fn the_default_is_the_image_that_others_compute_too() {
    let work = Mandelbrot::default();
    assert_eq!((work.width, work.height, work.iterations), (1600, 1200, 1000));
    assert_eq!(work, Mandelbrot::sized(Size::Measure));
    let image = image_of(&work);
    let total: u64 = image.counts().iter().map(|&count| u64::from(count)).sum();
    assert_eq!(total, 500_731_361);
    assert_eq!((image.count(1599, 1199), image.count(1600, 0), image.count(0, 1200)), (Some(2), None, None));
}

#[test]
fn fnv_1a_as_published() {
    // Two bytes a count: "fo" and "ob" and "ar" make the published vector for "foobar".
    let counts = Counts::from(vec![0x6f66, 0x626f, 0x7261]);
    let image = work(3, 1, 10, (3, 1)).image(&counts).unwrap();
    assert_eq!(image.checksum(), 0x8594_4171_f739_67e8);
}

proptest! {
    #[test]
    fn any_tiles_give_the_same_image(width in 1u32..70, height in 1u32..40, tile in (1u32..80, 1u32..50), iterations in 1u16..60) {
        let work = work(width, height, iterations, tile);
        let whole = sequential(&work, &Timeline::off()).unwrap();
        let image = work.image(&whole).unwrap();
        prop_assert_eq!(image.counts(), by_scalar(&work));
        prop_assert_eq!(work.answer(&whole), json!({"checksum": image.checksum()}));
    }

    #[test]
    fn tiles_cover_each_pixel_once(width in 1u32..70, height in 1u32..40, tile in (1u32..80, 1u32..50)) {
        let mut covered = vec![0; (width * height) as usize];
        for Area { left, top, width: columns, height: rows } in work(width, height, 1, tile).pieces().unwrap() {
            for y in top..top + rows {
                for x in left..left + columns {
                    covered[(y * width + x) as usize] += 1;
                }
            }
        }
        prop_assert!(covered.iter().all(|&times| times == 1));
    }

    #[test]
    fn counts_travel(counts in prop::collection::vec(any::<u16>(), 0..300)) {
        let counts = Counts::from(counts);
        let bytes = postcard::to_allocvec(&counts).unwrap();
        prop_assert!(bytes.len() <= counts.as_slice().len() * 2 + 2);
        prop_assert_eq!(&postcard::from_bytes::<Counts>(&bytes).unwrap(), &counts);
        let text = serde_json::to_string(&counts).unwrap();
        prop_assert_eq!(&serde_json::from_str::<Counts>(&text).unwrap(), &counts);
    }
}

#[test]
fn half_a_count_is_refused() {
    assert!(postcard::from_bytes::<Counts>(&[3, 1, 2, 3]).is_err());
    assert!(serde_json::from_str::<Counts>("[1,2,3]").is_err());
}

#[test]
fn nonsense_is_an_error() {
    let absurd = [
        (work(0, 9, 9, (1, 1)), "width is 0"),
        (work(9, 0, 9, (1, 1)), "height is 0"),
        (work(9, 9, 0, (1, 1)), "iterations is 0"),
        (work(9, 9, 9, (0, 1)), "tile width is 0"),
        (work(9, 9, 9, (1, 0)), "tile height is 0"),
        (work(u32::MAX, u32::MAX, 9, (u32::MAX, u32::MAX)), "4294967295 x 4294967295 pixels"),
        (work(4096, 4096, 9, (1, 1)), "16777216 tiles"),
    ];
    for (work, why) in absurd {
        let error = sequential(&work, &Timeline::off()).unwrap_err();
        assert!(matches!(error, RunError::Cut { .. }), "{error}");
        assert!(error.to_string().contains(why), "{error}");
        assert!(work.run(&Area { left: 0, top: 0, width: 1, height: 1 }).is_err());
    }
    let work = Mandelbrot::sized(Size::Test);
    assert!(work.run(&Area { left: 0, top: 0, width: 161, height: 1 }).is_err());
    assert!(work.run(&Area { left: 0, top: u32::MAX, width: 1, height: 2 }).is_err());
    assert!(work.image(&Counts::default()).is_err());
    assert!(work.answer(&Counts::default())["error"].is_string());
}

#[test]
fn a_tile_wider_than_the_image_is_cut_to_it() {
    assert_eq!(work(5, 4, 9, (u32::MAX, u32::MAX)).pieces().unwrap().len(), 1);
}

/// Width, height and pixels of a PNG.
fn read_png(path: &std::path::Path) -> (u32, u32, Vec<[u8; 3]>) {
    let decoder = png::Decoder::new(std::io::BufReader::new(fs::File::open(path).unwrap()));
    let mut reader = decoder.read_info().unwrap();
    let mut data = vec![0; reader.output_buffer_size().unwrap()];
    let info = reader.next_frame(&mut data).unwrap();
    (info.width, info.height, data.as_chunks::<3>().0.to_vec())
}

#[test]
fn a_picture_has_the_set_in_black() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("set.png");
    let work = Mandelbrot::sized(Size::Test);
    let image = image_of(&work);
    image.write_png(&path).unwrap();
    let (width, height, pixels) = read_png(&path);
    assert_eq!((width, height), (work.width, work.height));
    for (&[red, green, blue], &count) in pixels.iter().zip(image.counts()) {
        assert!(red == green && green == blue);
        assert_eq!(red == 0, count == work.iterations, "count {count} is {red}");
    }
}

#[test]
fn a_picture_shows_who_computed_what() {
    let directory = tempfile::tempdir().unwrap();
    let path = directory.path().join("who.png");
    let image = image_of(&work(4, 2, 100, (2, 1)));
    // Tiles 0 to 3, two in a row; nobody says that they did tile 2, and there is no tile 9.
    let span = |piece, worker| Span { piece, worker, pid: 1, start: 0, end: 1 };
    image.write_png_by_worker(&path, &[span(0, 0), span(1, 1), span(3, 0), span(9, 1)]).unwrap();
    let (_, _, pixels) = read_png(&path);
    let is = |pixel: usize, [red, green, blue]: [f64; 3]| {
        let shade = f64::from(pixels[pixel][0]) / red;
        let near = |got: u8, full: f64| (f64::from(got) - full * shade).abs() <= 2.0;
        near(pixels[pixel][1], green) && near(pixels[pixel][2], blue)
    };
    let (orange, blue, white) = ([230.0, 159.0, 0.0], [86.0, 180.0, 233.0], [255.0, 255.0, 255.0]);
    for (pixel, colour) in [orange, orange, blue, blue, white, white, orange, orange].into_iter().enumerate()
    {
        assert!(is(pixel, colour), "pixel {pixel} is {:?}", pixels[pixel]);
    }
}

#[test]
fn an_unwritable_picture_is_an_error_with_its_path() {
    let image = image_of(&Mandelbrot::sized(Size::Test));
    let error = image.write_png("/nowhere/at/all.png").unwrap_err().to_string();
    assert!(error.contains("/nowhere/at/all.png") && error.contains("No such file"), "{error}");
    #[cfg(target_os = "linux")]
    {
        let full = image.write_png_by_worker("/dev/full", &[]).unwrap_err().to_string();
        assert!(full.contains("/dev/full") && full.contains("No space left"), "{full}");
    }
}
