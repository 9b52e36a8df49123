/* Rust's standard library asks bcryptprimitives.dll for randomness; Wine 8 has no such library. This one stands in for it
   in the tests' own prefix, and is never shipped. advapi32's SystemFunction036 is what RtlGenRandom is called there. */
#include <windows.h>

BOOLEAN NTAPI SystemFunction036(PVOID buffer, ULONG length);

__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE data, SIZE_T length)
{
    while (length > 0) {
        ULONG part = length > 0x10000000 ? 0x10000000 : (ULONG)length;
        if (!SystemFunction036(data, part))
            return FALSE;
        data += part;
        length -= part;
    }
    return TRUE;
}
