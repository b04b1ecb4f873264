package io.decamp.introspector.engine.vm.state;

import java.io.ByteArrayOutputStream;
import java.nio.ByteBuffer;
import java.nio.ByteOrder;
import java.nio.charset.StandardCharsets;

/** A profile as apparmor_parser would compile it (security/apparmor/policy_unpack.c): it only complains. */
final class AppArmorProfile {
    private static final int NUMBER = 2;
    private static final int NAME = 4;
    private static final int STRING = 5;
    private static final int STRUCT = 7;
    private static final int STRUCT_END = 8;

    private static final int INTERFACE_VERSION = 5;
    private static final int COMPLAIN = 1;

    private final ByteArrayOutputStream bytes = new ByteArrayOutputStream();

    private AppArmorProfile() {}

    static byte[] complaining(String name) {
        AppArmorProfile profile = new AppArmorProfile();
        profile.name("version").number(INTERFACE_VERSION);
        profile.name("profile").code(STRUCT).code(STRING).text(name);
        profile.name("flags").code(STRUCT).number(0).number(COMPLAIN).number(0).code(STRUCT_END);
        // capabilities: allowed, audited, quiet, extended
        profile.number(-1).number(0).number(0).number(0);
        profile.code(STRUCT_END);
        return profile.bytes.toByteArray();
    }

    private AppArmorProfile name(String name) {
        return code(NAME).text(name);
    }

    private AppArmorProfile text(String text) {
        byte[] characters = (text + "\0").getBytes(StandardCharsets.US_ASCII);
        bytes.write(characters.length & 0xff);
        bytes.write(characters.length >> 8);
        bytes.writeBytes(characters);
        return this;
    }

    private AppArmorProfile number(int value) {
        code(NUMBER);
        bytes.writeBytes(
                ByteBuffer.allocate(4).order(ByteOrder.LITTLE_ENDIAN).putInt(value).array());
        return this;
    }

    private AppArmorProfile code(int code) {
        bytes.write(code);
        return this;
    }
}
