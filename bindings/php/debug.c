/* Debug mode: the INI entry and the functions that switch it. */
#include "php_spanwire.h"

void sw_debug_changed(zend_string *value, bool for_request, int stage) {
    if (!sw.loaded) return;
    if (stage == ZEND_INI_STAGE_DEACTIVATE) {
        if (SW_G(debug_before) >= 0) sw.debug_set(SW_G(debug_before));
        SW_G(debug_before) = -1;
        return;
    }
    if (for_request && SW_G(debug_before) < 0) SW_G(debug_before) = sw.debug_get();
    sw.debug_set(value && zend_ini_parse_bool(value));
}

ZEND_FUNCTION(spanwire_debug) {
    ZEND_PARSE_PARAMETERS_NONE();
    RETURN_BOOL(sw.loaded && sw.debug_get());
}

ZEND_FUNCTION(spanwire_set_debug) {
    bool enabled;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_BOOL(enabled)
    ZEND_PARSE_PARAMETERS_END();
    if (sw.loaded) sw.debug_set(enabled);
}

ZEND_FUNCTION(spanwire_set_debug_for) {
    zend_long seconds;
    ZEND_PARSE_PARAMETERS_START(1, 1)
        Z_PARAM_LONG(seconds)
    ZEND_PARSE_PARAMETERS_END();
    if (sw.loaded) sw.debug_set_for(seconds < 0 ? 0 : seconds > UINT32_MAX ? UINT32_MAX : (uint32_t)seconds);
}
