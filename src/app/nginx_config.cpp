#include "app/nginx_config.h"

#include <fnmatch.h>
#include <glob.h>

#include <fstream>
#include <iterator>
#include <map>
#include <optional>

namespace mbr::app {
namespace {

constexpr int kDeepest = 40;  // blocks and includes within each other

bool isBlank(char c) { return c == ' ' || c == '\t' || c == '\r' || c == '\n'; }

// Cuts the text into words and the marks ; { }.
class Words {
 public:
  struct Word {
    std::string text;
    bool quoted = false;
    bool is(char mark) const { return !quoted && text.size() == 1 && text[0] == mark; }
  };

  explicit Words(std::string_view text) : text_(text) {}

  // Nothing at the end of the text.
  std::optional<Word> next() {
    skipBlanks();
    if (at_ >= text_.size()) return std::nullopt;
    const char c = text_[at_];
    if (c == ';' || c == '{' || c == '}') {
      ++at_;
      return Word{std::string(1, c), false};
    }
    return c == '"' || c == '\'' ? quoted(c) : plain();
  }

  int line() const { return line_; }

 private:
  void skipBlanks() {
    while (at_ < text_.size() && (isBlank(text_[at_]) || text_[at_] == '#')) {
      if (text_[at_] == '#') {
        while (at_ < text_.size() && text_[at_] != '\n') ++at_;
      } else {
        advance();
      }
    }
  }

  char advance() {
    if (text_[at_] == '\n') ++line_;
    return text_[at_++];
  }

  Word quoted(char quote) {
    Word word{"", true};
    for (++at_; at_ < text_.size();) {
      const char c = advance();
      if (c == quote) break;
      if (c == '\\' && at_ < text_.size()) word.text.push_back(c);
      word.text.push_back(c == '\\' && at_ < text_.size() ? advance() : c);
    }
    return word;
  }

  Word plain() {
    Word word;
    while (at_ < text_.size()) {
      const char c = text_[at_];
      const bool variable = c == '{' && !word.text.empty() && word.text.back() == '$';
      if (isBlank(c) || c == ';' || (c == '{' && !variable)) break;
      word.text.push_back(advance());
      if (c == '\\' && at_ < text_.size()) word.text.push_back(advance());
    }
    return word;
  }

  std::string_view text_;
  std::size_t at_ = 0;
  int line_ = 1;
};

class Parser {
 public:
  Parser(std::string_view text, const NginxFiles& files, int depth)
      : words_(text), files_(files), depth_(depth) {}

  // Up to the end of the text, or of the block.
  Result<std::vector<NginxDirective>> block(bool outermost) {
    std::vector<NginxDirective> directives;
    if (depth_ > kDeepest) return wrong("too many blocks or includes within each other");
    while (auto word = words_.next()) {
      if (word->is('}')) {
        if (outermost) return wrong("a } without its {");
        return directives;
      }
      if (const Outcome read = directive(std::move(word->text), directives); !read) {
        return read.error();
      }
    }
    if (!outermost) return wrong("a { without its }");
    return directives;
  }

 private:
  Error wrong(const std::string& what) const {
    return {Code::kInvalid, "line " + std::to_string(words_.line()) + ": " + what};
  }

  Outcome directive(std::string name, std::vector<NginxDirective>& into) {
    NginxDirective made;
    made.name = std::move(name);
    while (auto word = words_.next()) {
      if (word->is(';')) return end(std::move(made), into);
      if (word->is('}')) return wrong("a } where ; was expected");
      if (word->is('{')) {
        ++depth_;
        auto inner = block(false);
        --depth_;
        if (!inner) return inner.error();
        made.block = std::move(*inner);
        into.push_back(std::move(made));
        return Done{};
      }
      made.arguments.push_back(std::move(word->text));
    }
    return wrong("`" + made.name + "` has no end");
  }

  Outcome end(NginxDirective made, std::vector<NginxDirective>& into) {
    if (made.name != "include") {
      into.push_back(std::move(made));
      return Done{};
    }
    for (const auto& [path, text] : files_(made.argument(0))) {
      auto included = Parser(text, files_, depth_ + 1).block(true);
      if (!included) return Error{Code::kInvalid, path + ": " + included.error().detail};
      std::move(included->begin(), included->end(), std::back_inserter(into));
    }
    return Done{};
  }

  Words words_;
  const NginxFiles& files_;
  int depth_;
};

// The files of a dump by path; empty if it is none.
std::map<std::string, std::string> filesOfDump(const std::string& text, std::string& first) {
  static constexpr std::string_view kMark = "# configuration file ";
  std::map<std::string, std::string> files;
  std::string path;
  for (std::size_t begin = 0; begin < text.size();) {
    const auto end = std::min(text.find('\n', begin), text.size());
    const std::string_view line = std::string_view(text).substr(begin, end - begin);
    if (line.substr(0, kMark.size()) == kMark && line.back() == ':') {
      path = line.substr(kMark.size(), line.size() - kMark.size() - 1);
      if (first.empty()) first = path;
    } else if (!path.empty()) {
      files[path].append(line).push_back('\n');
    }
    begin = end + 1;
  }
  return files;
}

std::string placed(const std::string& pattern, const std::string& folder) {
  return pattern.empty() || pattern.front() == '/' ? pattern : folder + '/' + pattern;
}

std::string readFile(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(file), {}};
}

std::vector<std::pair<std::string, std::string>> filesOnDisk(const std::string& pattern) {
  std::vector<std::pair<std::string, std::string>> files;
  glob_t found{};
  if (::glob(pattern.c_str(), 0, nullptr, &found) == 0) {
    for (std::size_t i = 0; i < found.gl_pathc; ++i) {
      files.emplace_back(found.gl_pathv[i], readFile(found.gl_pathv[i]));
    }
  }
  ::globfree(&found);
  return files;
}

}  // namespace

const std::string& NginxDirective::argument(std::size_t index) const {
  static const std::string kNone;
  return index < arguments.size() ? arguments[index] : kNone;
}

Result<std::vector<NginxDirective>> parseNginx(std::string_view text, const NginxFiles& files) {
  return Parser(text, files, 0).block(true);
}

Result<std::vector<NginxDirective>> readNginx(const std::string& text, const std::string& folder) {
  std::string first;
  const auto dumped = filesOfDump(text, first);
  if (dumped.empty()) {
    return parseNginx(
        text, [&](const std::string& pattern) { return filesOnDisk(placed(pattern, folder)); });
  }
  const auto slash = first.rfind('/');
  const std::string place = slash == std::string::npos ? "." : first.substr(0, slash);
  return parseNginx(dumped.at(first), [&](const std::string& pattern) {
    std::vector<std::pair<std::string, std::string>> files;
    for (const auto& file : dumped) {
      const bool matches =
          ::fnmatch(placed(pattern, place).c_str(), file.first.c_str(), FNM_PATHNAME) == 0;
      if (matches) files.push_back(file);
    }
    return files;
  });
}

}  // namespace mbr::app
