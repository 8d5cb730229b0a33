/// The version of Martlet.
enum Version {
    static let text = "0.1.0"
}
