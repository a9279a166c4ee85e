"""Lines that are never a part of an article on Vietnamese pages, whatever the site."""

import re

_READ = r"(?:lượt|lần|người)\s+(?:xem|đọc|truy\s+cập)"
_VIEWS = (
    rf"(?:số\s+)?{_READ}(?:\s+(?:bài(?:\s+viết)?|tin|trang))?\s*:?\s*[\d.,]*(?:\s*lượt)?"
    rf"|(?:đã\s+)?(?:xem|đọc)\s*:\s*[\d.,]+(?:\s*(?:lượt|lần))?|[\d.,]+\s*(?:{_READ}|views?)|(?:hits|views)\s*:\s*[\d.,]+"
)
_DROP = re.compile(
    rf"{_VIEWS}"
    r"|\d+:\d\d\s*/\s*\d+:\d\d|(?:giọng\s+)?(?:nữ|nam)(?:\s+miền\s+(?:bắc|trung|nam))?|nghe\s+(?:đọc\s+bài|audio|bài\s+viết)"
    r"|(?:no\s+title\s*(?:\.{3}|…)?\s*)+"
    r"|(?:\d{1,3}\s+){2,}\s*(?:\.{3}|…)?|(?:\d{1,3}|[/|•»>.-])"
    r"|(?:in|gửi)\s+(?:bài\s+viết|trang|cho\s+bạn\s+bè|email|phản\s+hồi|ý\s+kiến|bài)(?:\s+này)?|bản\s+in|lưu\s+(?:bài|tin)(?:\s+viết)?"
    r"|(?:(?:đọc|in|gửi|lưu|nghe)\s+(?:bài(?:\s+viết)?|tin|trang|e?mail)\s*[|·]?\s*){2,}(?:cỡ\s+chữ.{0,20})?"
    r"|chia\s+sẻ(?:\s*:|\s+(?:bài\s+viết|lên|qua)\b.{0,40})?|(?:(?:chia\s+sẻ|facebook|zalo|twitter|google\+?|linkedin|email|in\s+bài\s+viết|:)\s*)+"
    r"|(?:xem\s+)?cỡ\s+chữ.{0,20}|(?:a\s*[+-]?\s*){1,3}|(?:về|trở\s+lại|quay\s+lại)\s+(?:trang\s+trước|đầu\s+trang|trang\s+chủ)|trở\s+(?:về|lại)"
    r"|(?:>>|»)\s*[^.]{2,80}(?:(?:>>|»)\s*[^.]{2,80}){1,3}|advertisement|quảng\s+cáo|đọc\s+bài\s+viết|like\s*share|theo\s+dõi\s+.{0,40}google\s+news",
    re.IGNORECASE,
)
_END = re.compile(
    r"(?:các\s+)?(?:tin|bài|bài\s+viết|tin\s+bài|tin\s+tức)(?:\s*,\s*bài)?\s+(?:liên\s+quan|cùng\s+(?:chuyên\s+)?(?:mục|loại|chủ\s+đề)|khác|mới(?:\s+(?:hơn|nhất|đăng))?|cũ\s+hơn|đã\s+(?:đưa|đăng)|đọc\s+nhiều(?:\s+nhất)?|nổi\s+bật|xem\s+nhiều)(?:\s+cùng\s+chuyên\s+mục)?\s*[:>»]*"
    r"|có\s+thể\s+bạn\s+quan\s+tâm|(?:ý\s+kiến\s+)?bình\s+luận(?:\s*\(\d*\))?|ý\s+kiến\s+(?:bạn\s+đọc|của\s+bạn)|gửi\s+bình\s+luận|họ\s+(?:và\s+)?tên\s*\*?:?|lời\s+bình"
    r"|văn\s+bản\s+(?:chỉ\s+đạo|mới)|video(?:\s+clips?)?|phim\s+tư\s+liệu|thư\s+viện\s+(?:ảnh|hình\s+ảnh|video)|đọc\s+nhiều(?:\s+nhất)?|xem\s+nhiều(?:\s+nhất)?|tin\s+(?:mới|nóng)"
    r"|(?:số\s+lượng|thống\s+kê|lượt)\s+truy\s+cập\b.{0,30}|đang\s+(?:online|truy\s+cập|trực\s+tuyến)\s*:.*|(?:hôm\s+nay|trong\s+tuần|trong\s+tháng|tất\s+cả)\s*:\s*[\d.,]+"
    r"|tags?\s*:?\s*\|?|(?:tags?|từ\s+khóa|từ\s+khoá)\s*:.{0,200}|(?:tệp|tập\s+tin|file|tài\s+liệu)\s+đính\s+kèm\s*:?|đánh\s+giá\s+bài\s+viết\b.{0,20}"
    r"|(?:cơ\s+quan\s+chủ\s+quản\s*:|bản\s+quyền|©|®|@?\s*ghi\s+rõ\s+nguồn|giấy\s+phép\s+(?:số|hoạt\s+động|xuất\s+bản))(?:(?!\.\s).)*"
    r"|trang\s+thông\s+tin\s+điện\s+tử\s+(?:tổng\s+hợp|báo)\b.{0,80}|share\s+this.{0,20}|related\s+(?:articles?|posts?|stories)\s*:?|leave\s+a\s+(?:comment|reply)",
    re.IGNORECASE,
)
_LONGEST = 160  # characters of such a line
_BULLETS = "•·*- "
_COUNT = re.compile(
    rf"{_READ}(?:\s+(?:bài(?:\s+viết)?|tin|trang))?\s*:?\s*([\d.,]+)|\b(?:xem|đọc|hits|views)\s*:\s*([\d.,]+)"
    rf"|([\d.,]+)\s*(?:{_READ}|views?\b)",
    re.IGNORECASE,
)
_COUNTER = re.compile(r"\s*\(\s*(?:lượt|lần)\s+(?:xem|đọc)\s*:?\s*[\d.,]*\s*\)\s*$", re.IGNORECASE)


def is_noise(line: str) -> bool:
    """A counter, a player, a pager, a button: the line goes, its neighbours stay."""
    return len(line) <= _LONGEST and _DROP.fullmatch(line.lstrip(_BULLETS) or line) is not None


def is_end(line: str) -> bool:
    """The heading of what follows an article: related lists, comments, statistics, the imprint."""
    return len(line) <= _LONGEST and _END.fullmatch(line.lstrip(_BULLETS)) is not None


def views(line: str) -> int | None:
    """The count of a view counter on the line."""
    found = _COUNT.search(line) if len(line) < 300 else None
    digits = re.sub(r"\D", "", next(filter(None, found.groups()), "")) if found else ""
    return int(digits) if digits else None


def without_counter(line: str) -> str:
    """A title without the view counter behind it: `Title (Lượt xem: 491)`."""
    return _COUNTER.sub("", line)
