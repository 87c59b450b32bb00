//! Pictures over HTTP: the answer is what comes of them without any server, and what is no picture is said to be none.
#![cfg(feature = "images")]

use std::time::Duration;

use workload::{
    Fetch, Images, Size, Timeline, Workload,
    fetch::Fault,
    images::{THUMBNAIL, made, picture, treat},
    sequential,
};

#[test]
fn what_comes_over_http_is_what_was_made() {
    let (work, _server) = Images::local_sized(Size::Test).unwrap();
    let mut expected = <Images as Workload>::Part::default();
    (0..8).for_each(|number| work.combine(&mut expected, made(number, &picture(number)).unwrap()));
    assert_eq!(sequential(&work, &Timeline::off()).unwrap(), expected);
}

#[test]
fn pictures_are_of_both_kinds_and_differ_and_thumbnails_are_jpeg() {
    let bodies: Vec<Vec<u8>> = (0..16).map(picture).collect();
    assert!(bodies.iter().step_by(2).all(|body| body.starts_with(b"\x89PNG")));
    assert!(bodies.iter().skip(1).step_by(2).all(|body| body.starts_with(b"\xff\xd8\xff")));
    let mut thumbnails: Vec<Vec<u8>> = bodies.iter().map(|body| treat(body).unwrap()).collect();
    for thumbnail in &thumbnails {
        let decoded = image::load_from_memory_with_format(thumbnail, image::ImageFormat::Jpeg).unwrap();
        assert_eq!((decoded.width(), decoded.height()), THUMBNAIL);
    }
    thumbnails.sort();
    thumbnails.dedup();
    assert_eq!(thumbnails.len(), 16);
}

#[test]
fn what_is_no_picture_is_an_error_with_its_number() {
    assert!(treat(b"").is_err() && treat(&picture(0)[..2000]).is_err() && treat(&picture(1)[..20]).is_err());
    assert!(made(7, b"<html>").unwrap_err().to_string().starts_with("picture 7: "));
}

#[test]
fn a_server_without_pictures_is_an_error_with_its_url() {
    let (mut work, server) = Images::local(2, Duration::ZERO).unwrap();
    work.source = Fetch { retries: 0, ..Fetch::new(server.faulty_url(Fault::Missing), 2) };
    let error = sequential(&work, &Timeline::off()).unwrap_err().to_string();
    assert!(error.contains("/missing/picture/0: status 404"), "{error}");
}
