// Writes for each line, a URL, what the integrations show of it.
#include <iostream>
#include <spanwire/http.hpp>

int main() {
  for (std::string url; std::getline(std::cin, url);) std::cout << spanwire::url_without_secrets(url) << '\n';
}
