-- lexer.lua - cuts a line of C, NASM or a configuration language into tokens
-- for highlighting and linking.  A chunk reference inside the line is the one
-- character REFERENCE and stays one token wherever it stands.
local text = require 'strings'
local M = { REFERENCE = '\1' }

local c = {
    keyword = text.set [[break case continue default do else for goto if return switch while
        sizeof static extern inline volatile const register restrict typedef struct union enum
        _Noreturn _Static_assert _Alignas _Alignof _Atomic __asm__ __attribute__ asm true false NULL]],
    type = text.set [[void char short int long unsigned signed float double bool size_t ssize_t
        uint8_t uint16_t uint32_t uint64_t int8_t int16_t int32_t int64_t uintptr_t intptr_t va_list]],
    line_comment = '//', comment_open = '/*', comment_close = '*/',
    word = '^[%a_][%w_]*', directive = '^#%s*%a*', include = '^#%s*include%s*<[^>]*>',
}
local nasm = {
    keyword = text.set [[mov movzx movsx movsxd lea add adc sub sbb and or xor not neg cmp test imul mul
        div idiv jmp je jne jz jnz jc jnc jb jbe ja jae jl jle jg jge js jns jo jno call ret retq iretq sysretq
        sysret o64 syscall push pop hlt cli sti cld std rep repe repne stosb stosd stosq movsb movsd movsq lodsb
        in out inb outb lgdt lidt ltr lldt invlpg cpuid rdmsr wrmsr rdtsc swapgs stac clac bt btc btr bts bsf
        bsr shl shr sar sal rol ror inc dec nop pause xchg cmpxchg lock int int3 ud2 pushfq popfq fxsave fxrstor
        xsave xrstor mfence lfence sfence wbinvd loop retf jrcxz cmove cmovne clts ldmxcsr fninit setz sete]],
    type = text.set [[rax rbx rcx rdx rsi rdi rbp rsp rip r8 r9 r10 r11 r12 r13 r14 r15 eax ebx ecx edx esi
        edi ebp esp r8d r9d r10d r11d r12d r13d r14d r15d ax bx cx dx si di bp sp al ah bl bh cl ch dl dh
        cr0 cr2 cr3 cr4 cr8 cs ds es fs gs ss xmm0 xmm1 byte word dword qword oword]],
    directive_word = text.set [[section segment global extern default rel abs bits align alignb equ times db
        dw dd dq dt resb resw resd resq incbin org use16 use32 use64 struc endstruc istruc iend at strict]],
    line_comment = ';', word = '^[%a_.$][%w_.$]*', directive = '^%%[%w_%%+%-]*',
    directive_anywhere = true, lower = true,
}
local script = { keyword = {}, type = {}, line_comment = '#', word = '^[%a_][%w_]*' }
local linker = {
    keyword = text.set [[SECTIONS ENTRY OUTPUT_FORMAT PHDRS KEEP ASSERT PROVIDE ALIGN SIZEOF ADDR LOADADDR AT
        FLAGS HIDDEN OUTPUT_ARCH DISCARD]],
    type = {}, comment_open = '/*', comment_close = '*/', word = '^[%a_.][%w_.]*',
}
local nothing = { keyword = {}, type = {}, word = '^[%a_][%w_]*' }

-- By the ending of a file's name, or the class of a fenced block.
local languages = {
    c = c, h = c, asm = nasm, inc = nasm, nasm = nasm, ld = linker, lds = linker,
    sh = script, mk = script, makefile = script, make = script, py = script, python = script,
    cfg = script, gdb = script, toml = script,
}

function M.language(name)
    return languages[name or ''] or nothing
end

-- Where a string or character that begins at i ends.
local function string_end(line, i)
    local quote, j = line:sub(i, i), i + 1
    while j <= #line and line:sub(j, j) ~= quote do
        if line:sub(j, j) == '\\' then j = j + 1 end
        j = j + 1
    end
    return math.min(j, #line)
end

local function word_kind(language, word)
    local w = language.lower and word:lower() or word
    if language.keyword[w] then return 'kw' end
    if language.type[w] then return 'ty' end
    if language.directive_word and language.directive_word[w] then return 'kw' end
    return 'id'
end

-- Up to the next reference or the end of the line, for text inside a comment.
local function comment_end(line, i, close)
    local stop = (line:find(M.REFERENCE, i, true) or #line + 1) - 1
    if close then
        local _, b = line:find(close, i, true)
        if b and b <= stop then return b, true end
    end
    return stop, false
end

-- The kind and the end of the token at i.
local function scan(language, line, i, state)
    local ch = line:sub(i, i)
    if ch == M.REFERENCE then return 'use', i end
    if state.in_comment then
        local stop, closed = comment_end(line, i, language.comment_close)
        state.in_comment = not closed
        return 'com', stop
    end
    if language.line_comment and line:find(language.line_comment, i, true) == i then
        return 'com', (comment_end(line, i))
    end
    if language.comment_open and line:find(language.comment_open, i, true) == i then
        local stop, closed = comment_end(line, i + 2, language.comment_close)
        state.in_comment = not closed
        return 'com', math.max(stop, i + 1)
    end
    if ch:match('%s') then return 'sp', select(2, line:find('^%s+', i)) end
    if ch == '"' or ch == "'" then return 'str', string_end(line, i) end
    if ch:match('%d') then return 'num', select(2, line:find('^[%w_.]+', i)) end
    if language.include and line:find(language.include, i) then
        return 'pp', select(2, line:find(language.include, i))
    end
    if language.directive and (language.directive_anywhere or line:sub(1, i - 1):match('^%s*$')) then
        local _, stop = line:find(language.directive, i)
        if stop then return 'pp', stop end
    end
    local _, stop = line:find(language.word, i)
    if stop then return word_kind(language, line:sub(i, stop)), stop end
    return 'op', select(2, line:find('^[\128-\255]+', i)) or i
end

-- Tokens { kind, text } of a line.  `state` is a table that the caller keeps
-- from line to line of one chunk (a comment may span lines).
function M.tokens(language, line, state)
    local out, i = {}, 1
    while i <= #line do
        local kind, stop = scan(language, line, i, state)
        out[#out + 1] = { kind = kind, text = line:sub(i, stop) }
        i = stop + 1
    end
    return out
end

return M
