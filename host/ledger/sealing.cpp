// SPDX-License-Identifier: Apache-2.0
// Sealing with libsodium. A sealed value is: format (1 byte), key id (8), nonce (24), ciphertext and tag.
// Nonces are random: with 24 bytes they do not collide.

#include "host/ledger/sealing.hpp"

#include <fcntl.h>
#include <sodium.h>
#include <sys/stat.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "host/ledger/errors.hpp"

namespace koppel::ledger {
namespace {

constexpr std::size_t key_bytes = crypto_aead_xchacha20poly1305_ietf_KEYBYTES;
constexpr std::size_t nonce_bytes = crypto_aead_xchacha20poly1305_ietf_NPUBBYTES;
constexpr std::size_t tag_bytes = crypto_aead_xchacha20poly1305_ietf_ABYTES;
constexpr std::size_t id_bytes = 8;
constexpr std::size_t head_bytes = 1 + id_bytes + nonce_bytes;
constexpr char format = 1;

const unsigned char* raw(std::string_view bytes) { return reinterpret_cast<const unsigned char*>(bytes.data()); }
unsigned char* raw(std::string& bytes) { return reinterpret_cast<unsigned char*>(bytes.data()); }

std::string how_to_make(const std::string& path) {
  return "make one with: openssl rand -hex 32 > " + path + " && chmod 600 " + path;
}

failure bad_key(const std::string& why) { return {errc::wrong_key, why}; }

std::string hex(std::string_view bytes) {
  std::string out(bytes.size() * 2 + 1, '\0');
  sodium_bin2hex(out.data(), out.size(), raw(bytes), bytes.size());
  out.pop_back();
  return out;
}

/// Table, row, column and key, each with its length, so that no two places read alike.
std::string bound_to(place at, std::string_view key_id) {
  std::string out = "koppel seal";
  for (const auto part : {at.table, at.row, at.column, key_id}) {
    out.append(std::to_string(part.size())).append(":").append(part);
  }
  return out;
}

struct descriptor {
  int value;
  ~descriptor() {
    if (value >= 0) ::close(value);
  }
};

/// The file's text, at most a line; its rights are judged by the descriptor, so that nothing changes in between.
result<core::secret> read_key_text(const std::string& path) {
  const descriptor file{::open(path.c_str(), O_RDONLY | O_CLOEXEC | O_NONBLOCK)};
  if (file.value < 0 && errno == ENOENT) return bad_key("There is no key file " + path + "; " + how_to_make(path));
  if (file.value < 0) return bad_key("The key file " + path + " cannot be read: " + std::strerror(errno) + ".");
  struct stat about {};
  if (::fstat(file.value, &about) != 0 || !S_ISREG(about.st_mode))
    return bad_key("The key file " + path + " is not a file.");
  if ((about.st_mode & 0177) != 0) return bad_key("Others may read the key file " + path + "; run: chmod 600 " + path);
  std::string text(128, '\0');
  const auto size = ::read(file.value, text.data(), text.size());
  if (size < 0) return bad_key("The key file " + path + " cannot be read: " + std::strerror(errno) + ".");
  core::secret all(std::move(text));
  auto line = all.reveal().substr(0, static_cast<std::size_t>(size));
  while (!line.empty() && (line.back() == '\n' || line.back() == '\r')) line.remove_suffix(1);
  return core::secret(std::string(line));
}

}  // namespace

void sealer::free_guarded::operator()(unsigned char* key) const { sodium_free(key); }

result<sealer> sealer::from_file(const std::string& path) {
  if (sodium_init() < 0) return bad_key("libsodium cannot find a source of randomness.");
  const auto text = read_key_text(path);
  if (!text) return text.error();
  sealer out;
  out.key_.reset(static_cast<unsigned char*>(sodium_malloc(key_bytes)));
  if (!out.key_) return bad_key("There is no memory for the key.");
  std::size_t read = 0;
  const auto digits = text->reveal();
  const int code = sodium_hex2bin(out.key_.get(), key_bytes, digits.data(), digits.size(), nullptr, &read, nullptr);
  if (code != 0 || digits.size() != 2 * key_bytes || read != key_bytes)
    return bad_key("The key file " + path + " does not hold 64 hex digits; " + how_to_make(path));
  if (sodium_is_zero(out.key_.get(), key_bytes))
    return bad_key("The key in " + path + " is all zeros; " + how_to_make(path));
  std::array<unsigned char, crypto_generichash_BYTES> digest{};
  constexpr std::string_view purpose = "koppel key id";
  crypto_generichash(digest.data(), digest.size(), raw(purpose), purpose.size(), out.key_.get(), key_bytes);
  out.key_id_ = hex({reinterpret_cast<const char*>(digest.data()), id_bytes});
  sodium_mprotect_readonly(out.key_.get());
  return out;
}

std::string sealer::seal(const core::secret& value, place at) const {
  const auto plain = value.reveal();
  const std::string about = bound_to(at, key_id_);
  std::string out(head_bytes + plain.size() + tag_bytes, '\0');
  out[0] = format;
  sodium_hex2bin(raw(out) + 1, id_bytes, key_id_.data(), key_id_.size(), nullptr, nullptr, nullptr);
  unsigned char* nonce = raw(out) + 1 + id_bytes;
  randombytes_buf(nonce, nonce_bytes);
  crypto_aead_xchacha20poly1305_ietf_encrypt(raw(out) + head_bytes, nullptr, raw(plain), plain.size(), raw(about),
                                             about.size(), nullptr, nonce, key_.get());
  return out;
}

result<core::secret> sealer::open(std::string_view sealed, place at) const {
  const auto where = std::string(at.table) + "." + std::string(at.column);
  if (sealed.size() < head_bytes + tag_bytes || sealed[0] != format)
    return failure{errc::corrupt, "A sealed value in " + where + " is cut off or of another format."};
  if (const auto made_with = hex(sealed.substr(1, id_bytes)); made_with != key_id_)
    return failure{errc::wrong_key,
                   "A value in " + where + " was sealed with key " + made_with + ", not with " + key_id_ + "."};
  const std::string about = bound_to(at, key_id_);
  std::string plain(sealed.size() - head_bytes - tag_bytes, '\0');
  const auto body = sealed.substr(head_bytes);
  if (crypto_aead_xchacha20poly1305_ietf_decrypt(raw(plain), nullptr, nullptr, raw(body), body.size(), raw(about),
                                                 about.size(), raw(sealed) + 1 + id_bytes, key_.get()) != 0)
    return failure{errc::corrupt, "A sealed value in " + where + " was changed, or belongs to another row."};
  return core::secret(std::move(plain));
}

}  // namespace koppel::ledger
