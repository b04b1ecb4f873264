package io.decamp.introspector.engine.runtime;

import static org.junit.jupiter.api.Assertions.assertEquals;

import org.junit.jupiter.api.Test;

class MemorySharesTest {
    private static String mapping(String permissions, int rssKib, int anonymousKib, String flags) {
        return "7f00a000-7f00b000 " + permissions + " 00000000 00:00 0 \nSize: 9999 kB\nRss: " + rssKib
                + " kB\nAnonymous: " + anonymousKib + " kB\nVmFlags: " + flags + " \n";
    }

    @Test
    void shouldCountPrivateAnonymousMemoryAsLazy() {
        MemoryShares shares = MemoryShares.parse(mapping("rw-p", 100, 60, "rd wr mr mw me ac"));

        assertEquals(new MemoryShares(60 << 10, 0), shares);
    }

    @Test
    void shouldCountSharedAndLockedMemoryAsEager() {
        MemoryShares shares = MemoryShares.parse(
                mapping("rw-s", 100, 0, "rd wr sh mr mw me ms") + mapping("rw-p", 8, 8, "rd wr mr mw me lo ac"));

        assertEquals(new MemoryShares(0, 108 << 10), shares);
    }
}
