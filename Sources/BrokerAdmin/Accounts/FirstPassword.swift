package import Secrets

/// The password that was made for the default user, since none is configured and there was no user; to be shown once.
package struct FirstPassword: Sendable {
    package let user: String
    @Secret package private(set) var password: String
    /// The path of the file that has it, too.
    package let file: String

    init(user: String, password: String, file: String) {
        self.user = user
        self.password = password
        self.file = file
    }
}
