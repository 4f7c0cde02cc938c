// SPDX-License-Identifier: Apache-2.0
// ECDSA P-256; valid from a day ago (clients' clocks differ) for ten years. The real clock counts here: clients check
// certificates against theirs, whatever the simulator's clock says.
#include "certificates.hpp"

#include <fcntl.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <openssl/x509v3.h>
#include <unistd.h>

#include <memory>
#include <stdexcept>
#include <string>
#include <utility>

namespace koppel::provider_sim {
namespace {

template <auto Free>
struct freed_by {
  template <class T>
  void operator()(T* pointer) const {
    Free(pointer);
  }
};
using key_pointer = std::unique_ptr<EVP_PKEY, freed_by<EVP_PKEY_free>>;
using certificate_pointer = std::unique_ptr<X509, freed_by<X509_free>>;
using extension_pointer = std::unique_ptr<X509_EXTENSION, freed_by<X509_EXTENSION_free>>;
using bio_pointer = std::unique_ptr<BIO, freed_by<BIO_free_all>>;

void check(bool good, const char* what) {
  if (!good) throw std::runtime_error(std::string("certificates: ") + what);
}

void extend(X509& certificate, X509& issuer, int kind, const char* value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, &issuer, &certificate, nullptr, nullptr, 0);
  const extension_pointer extension(X509V3_EXT_conf_nid(nullptr, &context, kind, value));
  check(extension && X509_add_ext(&certificate, extension.get(), -1) == 1, "extension");
}

certificate_pointer new_certificate(const char* common_name, EVP_PKEY& key) {
  certificate_pointer made(X509_new());
  check(made && X509_set_version(made.get(), 2) == 1, "new");
  unsigned char serial[8];
  check(RAND_bytes(serial, sizeof serial) == 1, "randomness");
  serial[0] &= 0x7f;
  const std::unique_ptr<BIGNUM, freed_by<BN_free>> number(BN_bin2bn(serial, sizeof serial, nullptr));
  check(BN_to_ASN1_INTEGER(number.get(), X509_get_serialNumber(made.get())), "serial");
  X509_gmtime_adj(X509_getm_notBefore(made.get()), -24L * 3600);
  X509_gmtime_adj(X509_getm_notAfter(made.get()), 3650L * 24 * 3600);
  auto* name = X509_get_subject_name(made.get());
  const auto* text = reinterpret_cast<const unsigned char*>(common_name);
  check(X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_UTF8, text, -1, -1, 0) == 1, "name");
  check(X509_set_pubkey(made.get(), &key) == 1, "key");
  return made;
}

void sign(X509& certificate, X509& issuer, EVP_PKEY& key) {
  check(X509_set_issuer_name(&certificate, X509_get_subject_name(&issuer)) == 1, "issuer");
  check(X509_sign(&certificate, &key, EVP_sha256()) > 0, "signature");
}

void write_file(const std::filesystem::path& path, BIO& content, mode_t mode) {
  const int file = ::open(path.c_str(), O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, mode);
  check(file >= 0, "cannot create a file");
  const char* data = nullptr;
  const auto size = BIO_get_mem_data(&content, &data);
  const bool written = ::write(file, data, static_cast<std::size_t>(size)) == size;
  ::close(file);
  check(written, "cannot write a file");
}

void write_certificate(const std::filesystem::path& path, X509& certificate) {
  const bio_pointer out(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_X509(out.get(), &certificate) == 1, "PEM");
  write_file(path, *out, 0644);
}

void write_key(const std::filesystem::path& path, EVP_PKEY& key) {
  const bio_pointer out(BIO_new(BIO_s_mem()));
  check(PEM_write_bio_PrivateKey(out.get(), &key, nullptr, nullptr, 0, nullptr, nullptr) == 1, "PEM");
  write_file(path, *out, 0600);
}

struct authority {
  certificate_pointer certificate;
  key_pointer key;
};

bio_pointer open_file(const std::filesystem::path& path) { return bio_pointer(BIO_new_file(path.c_str(), "r")); }

certificate_pointer read_certificate(const std::filesystem::path& path) {
  const auto in = open_file(path);
  return certificate_pointer(in ? PEM_read_bio_X509(in.get(), nullptr, nullptr, nullptr) : nullptr);
}

authority make_authority(const certificate_files& files) {
  authority made;
  made.key.reset(EVP_EC_gen("P-256"));
  check(made.key != nullptr, "key generation");
  made.certificate = new_certificate("Koppel provider simulator CA", *made.key);
  auto& ca = *made.certificate;
  extend(ca, ca, NID_basic_constraints, "critical,CA:TRUE");
  extend(ca, ca, NID_key_usage, "critical,keyCertSign,cRLSign");
  extend(ca, ca, NID_subject_key_identifier, "hash");
  sign(ca, ca, *made.key);
  write_key(files.ca_key, *made.key);
  write_certificate(files.ca, ca);
  return made;
}

authority ensure_authority(const certificate_files& files) {
  authority kept;
  kept.certificate = read_certificate(files.ca);
  if (const auto in = open_file(files.ca_key))
    kept.key.reset(PEM_read_bio_PrivateKey(in.get(), nullptr, nullptr, nullptr));
  return kept.certificate && kept.key ? std::move(kept) : make_authority(files);
}

/// Whether the leaf that is there is good for these hosts, and signed by this authority.
bool covers(const certificate_files& files, const authority& by, const std::vector<std::string>& hosts) {
  const auto leaf = read_certificate(files.leaf);
  if (!leaf || !std::filesystem::exists(files.leaf_key) || X509_verify(leaf.get(), by.key.get()) != 1) return false;
  for (const auto& host : hosts)
    if (X509_check_host(leaf.get(), host.data(), host.size(), 0, nullptr) != 1) return false;
  return true;
}

void make_leaf(const certificate_files& files, const authority& by, const std::vector<std::string>& hosts) {
  const key_pointer key(EVP_EC_gen("P-256"));
  check(key != nullptr, "key generation");
  std::string names;
  for (const auto& host : hosts) names += "DNS:" + host + ",";
  names += "DNS:localhost";
  const auto leaf = new_certificate("Koppel provider simulator", *key);
  extend(*leaf, *by.certificate, NID_basic_constraints, "critical,CA:FALSE");
  extend(*leaf, *by.certificate, NID_key_usage, "critical,digitalSignature");
  extend(*leaf, *by.certificate, NID_ext_key_usage, "serverAuth");
  extend(*leaf, *by.certificate, NID_subject_alt_name, names.c_str());
  extend(*leaf, *by.certificate, NID_authority_key_identifier, "keyid");
  sign(*leaf, *by.certificate, *by.key);
  write_key(files.leaf_key, *key);
  write_certificate(files.leaf, *leaf);
}

}  // namespace

certificate_files ensure_certificates(const std::filesystem::path& folder, const std::vector<std::string>& hosts) {
  const certificate_files files{folder / "ca.pem", folder / "ca.key", folder / "leaf.pem", folder / "leaf.key"};
  const auto by = ensure_authority(files);
  if (!covers(files, by, hosts)) make_leaf(files, by, hosts);
  return files;
}

}  // namespace koppel::provider_sim
