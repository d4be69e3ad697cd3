/* Loads libspanwire and checks that this extension can use it. Uses nothing of PHP. */
#ifndef _GNU_SOURCE
#define _GNU_SOURCE /* dladdr */
#endif
#include "library.h"

#include <dlfcn.h>
#include <stdio.h>

#define SW_SONAME "libspanwire.so.0"

struct sw_library sw = {.why = "not loaded"};

/* Looks up all functions first, so that an incomplete library is never called. Returns the first missing one. */
static const char *missing_function(void *library, struct sw_library *found) {
#define X(name) \
    *(void **)&found->name = dlsym(library, "spanwire_" #name); \
    if (found->name == NULL) return "spanwire_" #name;
    SW_FUNCTIONS(X)
#undef X
    return NULL;
}

bool sw_library_load(const char *path) {
    if (sw.loaded) return true;
    const char *name = path && *path ? path : SW_SONAME;
    struct sw_library found = {0};
    void *library = dlopen(name, RTLD_NOW | RTLD_LOCAL);
    if (!library) {
        const char *error = dlerror();
        snprintf(sw.why, sizeof sw.why, "%s cannot be loaded (%s); spanwire.library in php.ini names its path", name,
                 error ? error : "for no known reason");
        return false;
    }
    __typeof__(&spanwire_abi_version) abi_version;
    *(void **)&abi_version = dlsym(library, "spanwire_abi_version");
    const char *missing = abi_version ? NULL : "spanwire_abi_version";
    if (abi_version && abi_version() != SPANWIRE_ABI_VERSION) {
        snprintf(sw.why, sizeof sw.why, "%s speaks interface %u and this extension %u; they must be of one release",
                 name, (unsigned)abi_version(), (unsigned)SPANWIRE_ABI_VERSION);
    } else if (missing || (missing = missing_function(library, &found))) {
        snprintf(sw.why, sizeof sw.why, "%s has no function %s; it is older than this extension, or no libspanwire",
                 name, missing);
    } else {
        found.loaded = true;
        sw = found;
        return true;
    }
    dlclose(library);
    return false;
}

const char *sw_library_file(void) {
    Dl_info info;
    return sw.loaded && dladdr((void *)sw.version, &info) != 0 ? info.dli_fname : NULL;
}
